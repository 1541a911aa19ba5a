# Readers of values of a job file: functions of the part of the file, the path of a value in it, and the value. They
# return the value, or refuse it.
let
  inherit (builtins)
    all
    attrNames
    concatStringsSep
    elem
    elemAt
    filter
    genList
    head
    isAttrs
    isBool
    isInt
    isList
    isString
    length
    mapAttrs
    match
    stringLength
    substring
    toJSON
    ;
  # A character from U+0080 to U+009F, which is a control character too: `[:cntrl:]` has only those of ASCII.
  otherControl =
    let
      byte = index: text: substring index 1 (builtins.fromJSON text);
    in
    "${byte 0 ''"\u0080"''}[${byte 1 ''"\u0080"''}-${byte 1 ''"\u009f"''}]";
in
rec {
  hasControl = text: match ".*([[:cntrl:]]|${otherControl}).*" text != null;

  refuse = context: message: throw "pikaci: the job file: ${context}${message}";

  is =
    expected: isOne: context: path: value:
    if isOne value then value else refuse context "`${path}` must be ${expected}";
  # Reads a value that another function refuses further.
  both =
    first: second: context: path: value:
    second context path (first context path value);

  isBetween =
    min: max: value:
    isInt value && min <= value && value <= max;
  isStrings = value: isList value && all isString value;

  # Returns whether a relative path has only names: neither empty ones nor `.` and `..`.
  isPlainPath =
    path:
    all (
      part:
      !elem part [
        ""
        "."
        ".."
      ]
    ) (filter isString (builtins.split "/" path));

  bool = is "true or false" isBool;
  string = is "a string" isString;
  oneOf = names: is (concatStringsSep " or " (map toJSON names)) (value: elem value names);
  integer = min: max: is "an integer from ${toString min} to ${toString max}" (isBetween min max);

  listOf =
    expected: reader: context: path: value:
    if isList value then
      genList (i: reader context "${path}[${toString i}]" (elemAt value i)) (length value)
    else
      refuse context "`${path}` must be ${expected}";
  strings = listOf "a list of strings" string;

  # Reads a set whose names a function checks.
  setOf =
    checkName: reader: context: path: value:
    if isAttrs value then
      mapAttrs (
        name: each: builtins.seq (checkName context path name) (reader context "${path}.${name}" each)
      ) value
    else
      refuse context "`${path}` must be a set";

  # Reads a set with these keys, each with its reader; reads a value when it is evaluated. A key with null counts as left
  # out.
  record =
    declared: required: context: path: value:
    let
      inside = name: if path == "" then name else "${path}.${name}";
      unknown = attrNames (removeAttrs value (attrNames declared));
      set = removeAttrs value (filter (name: value.${name} == null) (attrNames value));
      missing = filter (name: !(set ? ${name})) required;
    in
    if !isAttrs value then
      refuse context (if path == "" then "it must be a set" else "`${path}` must be a set")
    else if unknown != [ ] then
      refuse context "unknown key `${inside (head unknown)}`; it may have ${concatStringsSep ", " (attrNames declared)}"
    else if missing != [ ] then
      refuse context "${if path == "" then "it" else "`${path}`"} has no `${head missing}`"
    else
      mapAttrs (name: declared.${name} context (inside name)) set;

  # Refuses a name that no variable of a job can have.
  checkVariable =
    context: path: name:
    if match "[a-zA-Z_][a-zA-Z0-9_]*" name == null then
      refuse context "the variable ${toJSON name} in `${path}` isn't the name of an environment variable"
    else
      match "pikaci_.*|PIKACI_(JOB|RUN_ID|ATTEMPT|NEEDS_STATUS)" name == null
      || refuse context "the variable ${toJSON name} in `${path}` is reserved for pikaci";
  # Refuses a name of a job, a guest or the like that isn't safe in file names, terminals and command lines.
  checkName =
    context: path: name:
    let
      no = problem: refuse context "the name ${toJSON name} in `${path}` ${problem}";
    in
    if name == "" then
      no "is empty"
    else if stringLength name > 100 then
      no "is longer than 100 bytes"
    else if hasControl name then
      no "has a control character"
    else if substring 0 1 name == "-" then
      no "starts with `-`, like an option"
    else if match "/.*|.*/" name != null then
      no "starts or ends with `/`"
    else
      match "[^][]*" name != null || no "has a bracket, which only the legs of a matrix have";
}
