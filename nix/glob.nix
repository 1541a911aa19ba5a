# Globs of a job's `paths`, with the meaning that src/glob.rs gives them: `*` and `?` don't match `/`, `**` matches any
# number of folders.
let
  inherit (builtins)
    concatMap
    concatStringsSep
    elem
    filter
    genList
    isString
    match
    split
    stringLength
    substring
    ;

  compile = import ./glob-expression.nix;

  special = [
    "*"
    "?"
    "["
    "{"
    "\\"
  ];

  # Returns the plain globs that a glob stands for: without redundant `.` and `/`, also with its brackets escaped, and
  # also with everything below the folder that it names.
  plain =
    glob:
    let
      parts = filter (part: isString part && part != "" && part != ".") (split "/" glob);
      folder = if match ".*/[.]?" glob == null then "" else "/**";
      clean = if parts == [ ] then "**" else concatStringsSep "/" parts + folder;
      globs = [ clean ] ++ (if has [ "[" ] clean then [ (escapeBrackets clean) ] else [ ]);
    in
    globs ++ map (each: "${each}/**") (filter canNameFolder globs);

  # Returns whether a glob has one of these characters without a backslash before it.
  has =
    chars: glob:
    let
      go =
        i:
        i < stringLength glob
        && (elem (substring i 1 glob) chars || go (i + (if substring i 1 glob == "\\" then 2 else 1)));
    in
    go 0;

  # Returns a glob whose brackets match themselves.
  escapeBrackets =
    glob:
    let
      go =
        i:
        let
          c = substring i 1 glob;
        in
        if i >= stringLength glob then
          ""
        else if c == "\\" then
          "${substring i 2 glob}${go (i + 2)}"
        else if c == "[" || c == "]" then
          "\\${c}${go (i + 1)}"
        else
          "${c}${go (i + 1)}";
    in
    go 0;

  # Returns whether a glob can name a folder: its last part, or the whole glob if it has braces, has no wildcard.
  canNameFolder =
    glob:
    let
      last = if has [ "{" ] glob then glob else builtins.elemAt (match "(.*/)?([^/]*)" glob) 1;
    in
    !(has [ "*" "?" "[" ] last);

  # Returns the folder that holds all matches of a glob.
  root =
    glob:
    let
      length = stringLength glob;
      start = builtins.foldl' (
        end: i: if end == i && !(elem (substring i 1 glob) special) then i + 1 else end
      ) 0 (genList (i: i) length);
      folder = match "(.*)/[^/]*" (substring 0 start glob);
    in
    if folder == null then "" else builtins.head folder;

  isBelow =
    path: folder:
    folder == "" || path == folder || substring 0 (stringLength folder + 1) path == "${folder}/";

  # Returns the reason for which a glob can match no file of a project, as the rest of a sentence; null if it can.
  problemOf =
    glob:
    let
      parts = filter (part: isString part && part != "" && part != ".") (split "/" glob);
      names = filter isString (split "[/{},]" (concatStringsSep "/" parts));
    in
    if glob == "" then
      "is empty"
    else if stringLength glob > 1024 then
      "is longer than 1024 bytes"
    else if substring 0 1 glob == "/" then
      "is absolute: globs are relative to the project"
    else if substring 0 1 glob == "!" then
      "begins with `!`: a glob can't exclude files, so list those to include (`\\!` matches a `!`)"
    else if builtins.length (split "[{]" glob) > 65 then
      "has more than 32 braces"
    else if elem ".." names then
      "points outside the project"
    else if elem "." names then
      "never matches because of the `.` in its braces: remove the `.`"
    else if builtins.any (name: match "[.][gG][iI][tT]" name != null) names then
      "never matches: snapshots and artifacts leave out `.git`"
    else if match "(.*[^\\])?(\\\\\\\\)*\\\\([a-zA-Z0-9]|[^[:cntrl:] -~]).*" glob != null then
      "has a backslash before a letter or a digit: folders are separated by `/`"
    else
      builtins.foldl' (problem: each: if problem == null then (compile each).problem else problem) null (
        plain glob
      );
in
{
  inherit problemOf;

  # Returns whether a job with these globs gets a path of the project; for a folder, whether it may get a path below it.
  selects =
    globs:
    let
      all = concatMap plain globs;
      roots = map root all;
      expressions = map (glob: (compile glob).regex) all;
    in
    path: type:
    if type == "directory" then
      builtins.any (folder: isBelow path folder || isBelow folder path) roots
    else
      builtins.any (expression: match expression path != null) expressions;

  # Returns whether globs leave out a path of the project; for a folder, whether they leave out everything below it.
  excludes =
    globs:
    let
      all = concatMap plain globs;
      expressions = map (glob: (compile glob).regex);
      files = expressions all;
      folderOf = match "(.*)/[*][*]";
      folders = expressions (concatMap (glob: if folderOf glob == null then [ ] else folderOf glob) all);
    in
    path: type:
    builtins.any (expression: match expression path != null) (
      if type == "directory" then folders else files
    );
}
