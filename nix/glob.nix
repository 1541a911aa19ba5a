# Globs of a job's `paths`, as pikaci reads them: `*` and `?` don't match `/`, `**` is any number of folders.
let
  inherit (builtins)
    elem
    genList
    match
    stringLength
    substring
    ;

  special = [
    "*"
    "?"
    "["
    "{"
    "\\"
  ];

  # A glob as a regular expression of the whole path.
  toRegex =
    glob:
    let
      length = stringLength glob;
      at = i: substring i 1 glob;
      isEnd =
        i:
        i >= length
        || elem (at i) [
          ","
          "}"
        ];
      starts =
        i:
        i == 0
        || elem (at (i - 1)) [
          "/"
          ","
          "{"
        ];
      text = i: n: substring i n glob;

      # A class ends at the first `]` that isn't its first character.
      endOfClass = i: if at i == "]" || i >= length then i else endOfClass (i + 1);

      go =
        depth: i:
        if i >= length then
          ""
        else if text i 4 == "/**/" then
          "/(.*/)?${go depth (i + 4)}"
        else if text i 3 == "/**" && isEnd (i + 3) then
          "/.*${go depth (i + 3)}"
        else if text i 3 == "**/" && starts i then
          "(.*/)?${go depth (i + 3)}"
        else if text i 2 == "**" && starts i && isEnd (i + 2) then
          ".*${go depth (i + 2)}"
        else if at i == "*" then
          "[^/]*${go depth (i + 1)}"
        else if at i == "?" then
          "[^/]${go depth (i + 1)}"
        else if at i == "{" then
          "(${go (depth + 1) (i + 1)}"
        else if at i == "}" && depth > 0 then
          ")${go (depth - 1) (i + 1)}"
        else if at i == "," && depth > 0 then
          "|${go depth (i + 1)}"
        else if at i == "[" then
          let
            negated = elem (at (i + 1)) [
              "!"
              "^"
            ];
            first = if negated then i + 2 else i + 1;
            end = endOfClass (first + 1);
          in
          "[${if negated then "^" else ""}${text first (end - first)}]${go depth (end + 1)}"
        else if at i == "\\" then
          "${literal (at (i + 1))}${go depth (i + 2)}"
        else
          "${literal (at i)}${go depth (i + 1)}";
    in
    go 0 0;

  # What means something in an expression.
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
        "}"
        "["
        "]"
        "*"
        "?"
      ]
    then
      "\\${c}"
    else
      c;

  # The folder that everything lies in that a glob matches.
  root =
    glob:
    let
      length = stringLength glob;
      plain = builtins.foldl' (
        end: i: if end == i && !(elem (substring i 1 glob) special) then i + 1 else end
      ) 0 (genList (i: i) length);
      folder = match "(.*)/[^/]*" (substring 0 plain glob);
    in
    if folder == null then "" else builtins.head folder;

  isBelow =
    path: folder:
    folder == "" || path == folder || substring 0 (stringLength folder + 1) path == "${folder}/";
in
{
  inherit toRegex;

  # Whether a path, relative to the project, is one that a job with these globs sees; of a folder, whether one below is.
  selects =
    globs: path: type:
    if type == "directory" then
      builtins.any (glob: isBelow path (root glob) || isBelow (root glob) path) globs
    else
      builtins.any (glob: match (toRegex glob) path != null) globs;
}
