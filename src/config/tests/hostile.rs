//! Files made to exhaust what they can: each ends in a result, within the stack of a test's thread.

use super::super::{evaluate, read};

/// Evaluates with three quarters of the stack that a thread has by default.
fn with_little_stack(text: String) -> Result<serde_json::Value, String> {
    let evaluate = move || evaluate("pikaci.nix", &text).map_err(|diagnostics| diagnostics.to_string());
    std::thread::Builder::new().stack_size(3 << 19).spawn(evaluate).unwrap().join().unwrap()
}

fn numbered(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect::<Vec<_>>().concat()
}

/// Doubles a count until the file is refused, and returns the last one that wasn't.
fn deepest(file: impl Fn(usize) -> String) -> usize {
    let accepted = |count: &usize| with_little_stack(file(*count)).is_ok();
    let mut count = 1;
    while count < 1 << 17 && accepted(&count) {
        count *= 2;
    }
    (count / 2..count).rev().find(accepted).unwrap_or(0)
}

#[test]
fn nesting_has_a_bound_and_stays_on_the_stack() {
    let around = |open: &str, inner: &str, close: &str, count: usize| {
        format!("{}{inner}{}", open.repeat(count), close.repeat(count))
    };
    assert!(deepest(|count| around("(", "1", ")", count)) >= 60);
    assert!(deepest(|count| around("[", "1", "]", count)) >= 60);
    assert!(deepest(|count| around("{ a = ", "1", "; }", count)) >= 60);
    assert!(deepest(|count| around("rec { a = ", "1", "; }", count)) >= 60);
    assert!(deepest(|count| around("\"${", "\"x\"", "}\"", count)) >= 30);
    assert!(deepest(|count| around("let a = ", "1", "; in a", count)) >= 60);
    assert!(deepest(|count| around("let in ", "1", "", count)) >= 100);
    assert!(deepest(|count| around("{ a.${\"x\" + ", "\"y\"", "} = 1; }", count)) == 1);
    assert!(deepest(|count| around("-", "1", "", count)) >= 100);
    assert!(deepest(|count| around("\"x\" + ", "\"\"", "", count)) >= 100);
    assert!(deepest(|count| around("[ 1 ] ++ ", "[ ]", "", count)) >= 50);
    assert!(deepest(|count| around("{ } // ", "{ }", "", count)) >= 50);
    assert!(deepest(|count| around("{ }.a or ", "1", "", count)) >= 50);
    assert!(deepest(|count| format!("{{ a{} = 1; }}", ".a".repeat(count))) >= 100);
    assert!(deepest(|count| format!("{{ a = {}; }}", around("{ a = let in rec { b = ", "1", "; }; }", count))) >= 20);
}

#[test]
fn chains_of_names_have_a_bound_and_stay_on_the_stack() {
    let chain = |link: fn(usize) -> String| {
        move |count: usize| {
            let links = numbered(count, |index| format!("a{} = {}; ", index + 1, link(index)));
            format!("let a0 = \"x\"; {links} in a{count}")
        }
    };
    assert!(deepest(chain(|index| format!("a{index}"))) >= 50);
    assert!(deepest(chain(|index| format!("\"${{a{index}}}\""))) >= 50);
    assert!(deepest(chain(|index| format!("(rec {{ b = a{index}; c = b; }}).c"))) >= 30);
    assert!(deepest(chain(|index| format!("(let inherit (rec {{ x = a{index}; }}) x; in \"${{x}}\")"))) >= 30);
    assert!(deepest(chain(|index| format!("a{index} + \"\""))) >= 50);
    assert!(deepest(chain(|index| format!("[ a{index} ]"))) >= 50);
    assert!(deepest(chain(|index| format!("{{ b = a{index}; }}"))) >= 50);
}

#[test]
fn what_is_wrong_ends_on_the_stack_too() {
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
            assert!(with_little_stack(text).is_err(), "{part}");
        }
    }
}

#[test]
fn growth_has_a_bound() {
    let grow = |first: &str, step: fn(usize) -> String| {
        let steps = numbered(200, |index| format!("a{} = {}; ", index + 1, step(index)));
        with_little_stack(format!("let a0 = {first}; {steps} in a200"))
    };
    assert!(grow("\"x\"", |index| format!("a{index} + a{index}")).is_err());
    assert!(grow("\"x\"", |index| format!("\"${{a{index}}}${{a{index}}}\"")).is_err());
    assert!(grow("[ 1 ]", |index| format!("a{index} ++ a{index}")).is_err());
    assert!(grow("1", |index| format!("[ a{index} a{index} ]")).is_err());
    assert!(grow("1", |index| format!("{{ x = a{index}; y = a{index}; }}")).is_err());
    let endless = "let a = { x = a; y = b; z = [ a b ]; }; b = { x = a; y = b; z = [ b a ]; }; in a";
    assert!(with_little_stack(endless.to_owned()).is_err());
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
    let circle = chain("command = \"x\"; needs = [ \"j0\" ];").unwrap_err().to_string();
    assert!(circle.contains("5001 jobs need each other in a circle"), "{circle}");
    let spread = format!("{{ defaults.env.A = \"{}\"; jobs = {{ {jobs} }}; }}", "x".repeat(100_000));
    assert!(read("pikaci.nix", &spread).unwrap_err().to_string().contains("is too large for 10000 jobs"));
}
