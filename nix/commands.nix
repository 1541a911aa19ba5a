# Readers of the commands of a job file.
let
  inherit (builtins)
    head
    isList
    isString
    match
    stringLength
    ;
  inherit (import ./readers.nix)
    both
    listOf
    refuse
    string
    ;

  # Linux passes at most 128 KiB to a program in one argument or variable, with its NUL, and 2 MiB in all of them.
  maxArgument = 131071;
  checkLength =
    context: path: text:
    if stringLength text > maxArgument then
      refuse context "`${path}` is longer than 128 KiB, the limit of Linux for one argument or variable"
    else
      text;
  argument = both string checkLength;

  isBlank = value: match "[[:space:]]*" value != null;
  argv = both (listOf "a list of strings" argument) (
    context: path: value:
    if value == [ ] || head value == "" then refuse context "`${path}` is empty" else value
  );
  script = both argument (
    context: path: value:
    if isBlank value then
      refuse context "`${path}` is empty"
    else if match ".*\r\n.*" value != null then
      refuse context "`${path}` has Windows line endings, which a shell reads as part of each command"
    else
      value
  );
  command =
    context: path: value:
    if isString value then
      script context path value
    else if isList value then
      argv context path value
    else
      refuse context "`${path}` must be a string, or a list of strings";
  shell =
    context: path: value:
    if value == "sh" || value == "bash" then
      value
    else if isList value then
      argv context path value
    else
      refuse context "`${path}` must be \"sh\", \"bash\" or a list of strings: a program and its arguments";
in
{
  inherit
    argument
    checkLength
    command
    shell
    ;
}
