# Reads a plain glob (see glob.nix): returns the regular expression for the whole path, and the reason for which the glob
# isn't well-formed, or null.
let
  inherit (builtins)
    concatMap
    concatStringsSep
    elem
    elemAt
    filter
    genList
    isString
    length
    match
    split
    substring
    ;

  # Returns the characters of a text: each is a byte with the bytes that continue it in UTF-8.
  charsOf =
    let
      ends = builtins.fromJSON ''["\u0080", "\u00bf"]'';
      continued = "${substring 1 1 (builtins.head ends)}-${substring 1 1 (elemAt ends 1)}";
    in
    text:
    concatMap (part: if isString part then [ ] else part) (
      split "([^${continued}][${continued}]*)" text
    );

  # Returns the expression for a class of ranges. In it, a `]` has to be the first character, a `-` the last one, a `^`
  # not the first one, and a `[` not before some others.
  bracket =
    isNegated: ranges:
    let
      isPlain = text: match "[[:alnum:]]" text != null || text > "~";
      members =
        range:
        let
          first = builtins.head range;
          last = elemAt range 1;
        in
        if first != last && isPlain first && isPlain last then
          [ "${first}-${last}" ]
        else if first == last then
          [ first ]
        else
          filter (c: first <= c && c <= last) printable;
      all = concatMap members ranges;
      pick = c: if elem c all then c else "";
      others = concatStringsSep "" (
        filter (
          c:
          !elem c [
            "]"
            "^"
            "["
            "-"
          ]
        ) all
      );
      text = pick "]" + others;
    in
    if isNegated then
      "[^${text}${pick "^"}${pick "["}${pick "-"}]"
    else if text != "" then
      "[${text}${pick "^"}${pick "["}${pick "-"}]"
    else
      "(${concatStringsSep "|" (map literal all)})";

  # The characters of ASCII that are visible, and the space.
  printable = charsOf (
    " !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"
    + "\"\\"
  );

  # Returns a character, escaped if it has a meaning in an expression.
  literal =
    c:
    if
      elem c [
        "."
        "+"
        "("
        ")"
        "|"
        "^"
        "$"
        "\\"
        "{"
        "["
        "*"
        "?"
      ]
    then
      "\\${c}"
    else
      c;
in
glob:
let
  chars = charsOf glob;
  size = length chars;
  at = i: if i < size then elemAt chars i else "";
  text = i: n: concatStringsSep "" (genList (each: at (i + each)) n);
  starts =
    depth: i:
    i == 0
    || at (i - 1) == "/"
    ||
      depth > 0
      && elem (at (i - 1)) [
        ","
        "{"
      ];
  isEnd =
    depth: i:
    i >= size
    ||
      depth > 0
      && elem (at i) [
        ","
        "}"
      ];

  wrong = problem: {
    inherit problem;
    regex = "";
    end = size;
  };
  token = end: regex: {
    inherit end regex;
    problem = null;
  };
  firstProblem = first: second: if first.problem == null then second.problem else first.problem;

  # Reads the text from an index to the end of its branch.
  branch =
    depth: i:
    let
      first = next depth i;
      rest = branch depth first.end;
    in
    if isEnd depth i then
      token i ""
    else
      {
        inherit (rest) end;
        regex = first.regex + rest.regex;
        problem = firstProblem first rest;
      };

  # Reads the branches of braces; empty ones are none.
  braces =
    depth: branches: i:
    let
      one = branch depth i;
      all = branches ++ (if one.regex == "" then [ ] else [ one.regex ]);
    in
    if one.problem != null then
      one
    else if at one.end == "," then
      braces depth all (one.end + 1)
    else if at one.end == "}" then
      token (one.end + 1) (if all == [ ] then "" else "(${concatStringsSep "|" all})")
    else
      wrong "isn't a glob: a `{` has no `}`";

  # Reads the ranges of a class, each a list of its ends.
  class =
    {
      isNegated,
      ranges ? [ ],
      isRange ? false,
    }@state:
    i:
    let
      c = at i;
      previous = builtins.head (elemAt ranges (length ranges - 1));
      others = genList (elemAt ranges) (length ranges - 1);
      single = [
        c
        c
      ];
    in
    if i >= size then
      wrong "isn't a glob: a `[` has no `]`"
    else if c == "]" && ranges != [ ] then
      token (i + 1) (
        bracket isNegated (
          ranges
          ++ (
            if isRange then
              [
                [
                  "-"
                  "-"
                ]
              ]
            else
              [ ]
          )
        )
      )
    else if c == "-" && ranges != [ ] && !isRange then
      class (state // { isRange = true; }) (i + 1)
    else if !isRange then
      class (state // { ranges = ranges ++ [ single ]; }) (i + 1)
    else if c < previous then
      wrong "isn't a glob: the range `${previous}-${c}` is empty"
    else
      class {
        inherit isNegated;
        ranges = others ++ [
          [
            previous
            c
          ]
        ];
      } (i + 1);

  next =
    depth: i:
    let
      c = at i;
      isNegated = elem (at (i + 1)) [
        "!"
        "^"
      ];
    in
    if text i 4 == "/**/" then
      token (i + 4) "/(.*/)?"
    else if text i 3 == "/**" && isEnd depth (i + 3) then
      token (i + 3) "/.*"
    else if text i 3 == "**/" && starts depth i then
      token (i + 3) "(.*/)?"
    else if text i 2 == "**" && starts depth i && i + 2 == size then
      token (i + 2) ".*"
    else if c == "*" then
      token (i + 1) "[^/]*"
    else if c == "?" then
      token (i + 1) "[^/]"
    else if c == "{" then
      braces (depth + 1) [ ] (i + 1)
    else if c == "}" then
      wrong "isn't a glob: a `}` has no `{`"
    else if c == "[" then
      class { inherit isNegated; } (i + (if isNegated then 2 else 1))
    else if c == "\\" then
      if i + 1 == size then
        wrong "isn't a glob: it ends with a backslash"
      else
        token (i + 2) (literal (at (i + 1)))
    else
      token (i + 1) (literal c);
in
branch 0 0
