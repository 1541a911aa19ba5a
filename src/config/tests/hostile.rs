//! Files that try to exhaust stack, memory or time: each ends in a result, within the stack of a test thread.

use super::super::{evaluate, read};

/// Evaluates with three quarters of the default stack of a thread.
fn evaluate_with_small_stack(text: String) -> Result<serde_json::Value, String> {
    let evaluate = move || evaluate("pikaci.nix", &text).map_err(|diagnostics| diagnostics.to_string());
    std::thread::Builder::new().stack_size(3 << 19).spawn(evaluate).unwrap().join().unwrap()
}

fn numbered(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect::<Vec<_>>().concat()
}

/// Returns the largest count whose file is accepted.
fn max_accepted(file: impl Fn(usize) -> String) -> usize {
    let accepted = |count: &usize| evaluate_with_small_stack(file(*count)).is_ok();
    let mut count = 1;
    while count < 1 << 17 && accepted(&count) {
        count *= 2;
    }
    (count / 2..count).rev().find(accepted).unwrap_or(0)
}

#[test]
fn nested_values_are_limited_and_fit_on_the_stack() {
    let nested = |open: &str, inner: &str, close: &str, count: usize| {
        format!("{}{inner}{}", open.repeat(count), close.repeat(count))
    };
    assert!(max_accepted(|count| nested("(", "1", ")", count)) >= 60);
    assert!(max_accepted(|count| nested("[", "1", "]", count)) >= 60);
    assert!(max_accepted(|count| nested("{ a = ", "1", "; }", count)) >= 60);
    assert!(max_accepted(|count| nested("rec { a = ", "1", "; }", count)) >= 60);
    assert!(max_accepted(|count| nested("\"${", "\"x\"", "}\"", count)) >= 30);
    assert!(max_accepted(|count| nested("let a = ", "1", "; in a", count)) >= 60);
    assert!(max_accepted(|count| nested("let in ", "1", "", count)) >= 100);
    assert!(max_accepted(|count| nested("{ a.${\"x\" + ", "\"y\"", "} = 1; }", count)) == 1);
    assert!(max_accepted(|count| nested("-", "1", "", count)) >= 100);
    assert!(max_accepted(|count| nested("\"x\" + ", "\"\"", "", count)) >= 100);
    assert!(max_accepted(|count| nested("[ 1 ] ++ ", "[ ]", "", count)) >= 50);
    assert!(max_accepted(|count| nested("{ } // ", "{ }", "", count)) >= 50);
    assert!(max_accepted(|count| nested("{ }.a or ", "1", "", count)) >= 50);
    assert!(max_accepted(|count| nested("if true then ", "1", " else 1", count)) >= 30);
    assert!(max_accepted(|count| nested("if true then 1 else ", "1", "", count)) >= 100);
    assert!(max_accepted(|count| nested("with { }; ", "1", "", count)) >= 100);
    assert!(max_accepted(|count| nested("assert true; ", "1", "", count)) >= 100);
    assert!(max_accepted(|count| nested("!", "true", "", count)) >= 100);
    assert!(max_accepted(|count| nested("true && ", "true", "", count)) >= 100);
    assert!(max_accepted(|count| nested("1 + ", "1", "", count)) >= 100);
    assert!(max_accepted(|count| nested("(x: x) (", "1", ")", count)) >= 50);
    assert!(max_accepted(|count| nested("(x: ", "1", ") 1", count)) >= 40);
    assert!(max_accepted(|count| format!("({}1){}", "x: ".repeat(count), " 1".repeat(count))) >= 50);
    assert!(max_accepted(|count| nested("builtins.head (map (x: x) [ (", "1", ") ])", count)) >= 10);
    assert!(max_accepted(|count| nested("[ ] == (", "[ ]", ")", count)) >= 50);
    assert!(max_accepted(|count| nested("(", "{ }", " ? a)", count)) >= 50);
    assert!(max_accepted(|count| format!("{{ a{} = 1; }}", ".a".repeat(count))) >= 100);
    assert!(
        max_accepted(|count| format!("{{ a = {}; }}", nested("{ a = let in rec { b = ", "1", "; }; }", count))) >= 20
    );
}

#[test]
fn chains_of_names_are_limited_and_fit_on_the_stack() {
    let chain = |link: fn(usize) -> String| {
        move |count: usize| {
            let links = numbered(count, |index| format!("a{} = {}; ", index + 1, link(index)));
            format!("let a0 = \"x\"; {links} in a{count}")
        }
    };
    assert!(max_accepted(chain(|index| format!("a{index}"))) >= 50);
    assert!(max_accepted(chain(|index| format!("\"${{a{index}}}\""))) >= 50);
    assert!(max_accepted(chain(|index| format!("(rec {{ b = a{index}; c = b; }}).c"))) >= 30);
    assert!(max_accepted(chain(|index| format!("(let inherit (rec {{ x = a{index}; }}) x; in \"${{x}}\")"))) >= 30);
    assert!(max_accepted(chain(|index| format!("a{index} + \"\""))) >= 50);
    assert!(max_accepted(chain(|index| format!("if true then a{index} else 1"))) >= 50);
    assert!(max_accepted(chain(|index| format!("with {{ b = a{index}; }}; b"))) >= 30);
    assert!(max_accepted(chain(|index| format!("(x: x) a{index}"))) >= 30);
    assert!(max_accepted(chain(|index| format!("toString a{index}"))) >= 30);
    assert!(max_accepted(chain(|index| format!("builtins.head (builtins.filter (x: true) [ a{index} ])"))) >= 10);
    assert!(max_accepted(|count| format!("let f = n: if n == 0 then 0 else 1 + f (n - 1); in f {count}")) >= 20);
    let sum = "builtins.foldl' (a: b: a + b) 0 (builtins.genList (n: n) 10000)";
    assert!(evaluate_with_small_stack(sum.to_owned()).is_ok());
    assert!(max_accepted(chain(|index| format!("[ a{index} ]"))) >= 50);
    assert!(max_accepted(chain(|index| format!("{{ b = a{index}; }}"))) >= 50);
}

#[test]
fn repeated_syntax_errors_fit_on_the_stack() {
    let count = 5_000;
    for part in [
        "(",
        "[",
        "{",
        "${",
        "\"${",
        "''${",
        "let ",
        "rec ",
        "-",
        "!",
        "a ",
        "a.",
        "a or ",
        "{ a = ",
        "x: ",
        "{ x }: ",
        "with a; ",
        "if a then ",
        "assert a; ",
        "[ a . ] ",
        "[ rec ] {} ",
        "( a . [ b ",
        "inherit ",
        "{ inherit (",
        "a + ",
        "a ++ ",
        "a // ",
        "a -> ",
        "a <| ",
        "a |> ",
        "a.b or ",
        "let a = 1; in ",
        "/* ",
        "* ",
        "''a",
        "\"",
        "$",
        "'a",
        "a/b ",
        "./${a}",
        "<a> ",
        "a:b ",
        "..",
        ".",
        "1.",
        ";",
        "}",
        "]",
        ")",
        "a@",
        "\\",
    ] {
        for text in [part.repeat(count), format!("{{ a = {}", part.repeat(count)), format!("[ {}", part.repeat(count))]
        {
            assert!(evaluate_with_small_stack(text).is_err(), "{part}");
        }
    }
}

#[test]
fn growth_of_values_is_limited() {
    let grow = |first: &str, step: fn(usize) -> String| {
        let steps = numbered(200, |index| format!("a{} = {}; ", index + 1, step(index)));
        evaluate_with_small_stack(format!("let a0 = {first}; {steps} in a200"))
    };
    assert!(grow("\"x\"", |index| format!("a{index} + a{index}")).is_err());
    assert!(grow("\"x\"", |index| format!("\"${{a{index}}}${{a{index}}}\"")).is_err());
    assert!(grow("[ 1 ]", |index| format!("a{index} ++ a{index}")).is_err());
    assert!(grow("1", |index| format!("[ a{index} a{index} ]")).is_err());
    assert!(grow("1", |index| format!("{{ x = a{index}; y = a{index}; }}")).is_err());
    let compare = |step: &str| {
        let twice = ["a", "b"].map(|name| {
            numbered(30, |index| {
                let last = format!("{name}{index}");
                format!("{name}{} = {}; ", index + 1, step.replace('_', &last))
            })
        });
        evaluate_with_small_stack(format!("let a0 = 1; b0 = 1; {} {} in a30 == b30", twice[0], twice[1]))
    };
    assert!(compare("[ _ _ ]").is_err());
    assert!(compare("{ x = _; y = _; }").is_err());
    for endless in [
        "let f = x: f x; in f 1",
        "let f = x: [ (f x) (f x) ]; in f 1",
        "(x: x x) (x: x x)",
        "builtins.genList (n: n) 9223372036854775807",
        "let f = n: builtins.concatMap (x: f n) [ 1 2 3 ]; in f 1",
        "let xs = builtins.genList (n: builtins.genList (m: n) 1000) 10000; in map toString xs",
        "builtins.foldl' (a: n: a + a) \"x\" (builtins.genList (n: n) 100)",
    ] {
        assert!(evaluate_with_small_stack(endless.to_owned()).is_err(), "{endless}");
    }
    let endless = "let a = { x = a; y = b; z = [ a b ]; }; b = { x = a; y = b; z = [ b a ]; }; in a";
    assert!(evaluate_with_small_stack(endless.to_owned()).is_err());
}

#[test]
fn large_files_are_read() {
    let jobs = numbered(10_000, |index| format!("    job{index}.command = \"make job{index}\";\n"));
    let config = read("pikaci.nix", &format!("{{\n  jobs = {{\n{jobs}  }};\n}}\n")).unwrap();
    assert_eq!(config.jobs.len(), 10_000);
    let need = |index| format!("j{index} = {{ command = \"x\"; needs = [ \"j{}\" ]; }};\n", index + 1);
    let needs = numbered(5000, need);
    let chain = |last: &str| read("pikaci.nix", &format!("{{ jobs = {{ {needs} j5000 = {{ {last} }}; }}; }}"));
    assert!(chain("command = \"x\";").is_ok());
    let cycle = chain("command = \"x\"; needs = [ \"j0\" ];").unwrap_err().to_string();
    assert!(cycle.contains("5001 jobs need each other in a cycle"), "{cycle}");
    let many_copies = format!("{{ defaults.env.A = \"{}\"; jobs = {{ {jobs} }}; }}", "x".repeat(100_000));
    assert!(read("pikaci.nix", &many_copies).unwrap_err().to_string().contains("is too large for 10000 jobs"));
}
