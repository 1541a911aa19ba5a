# Readers of times and sizes of a job file.
let
  inherit (builtins)
    elemAt
    head
    isString
    match
    ;
  inherit (import ./readers.nix) is isBetween;

  # Returns the number that digits write, which may begin with zeros.
  number = digits: builtins.fromJSON (head (match "0*([0-9]+)" digits));
  # A number of at most 9 digits, besides zeros before it.
  digits = "(0*[0-9]{1,9})";
  seconds =
    text:
    let
      parts = match "(${digits}d)?(${digits}h)?(${digits}m)?(${digits}s)?" text;
      part =
        index: factor: if elemAt parts index == null then 0 else factor * number (elemAt parts index);
    in
    if parts == null then null else part 1 86400 + part 3 3600 + part 5 60 + part 7 1;
  mebibytes =
    text:
    let
      parts = match "${digits}([MG])" text;
    in
    if parts == null then null else number (head parts) * (if elemAt parts 1 == "G" then 1024 else 1);
  isAmount =
    parse: min: max: value:
    isBetween min max (if isString value then parse value else value);
in
{
  time = is "a string such as \"30m\", or an integer of seconds, at most 7 days" (
    isAmount seconds 1 604800
  );
  size = is "a string such as \"2G\", or an integer of MiB, from 64 MiB to 4096 GiB" (
    isAmount mebibytes 64 4194304
  );

  disk = is "a string such as \"20G\", or an integer of MiB, from 64 MiB to 1024 GiB" (
    isAmount mebibytes 64 1048576
  );
}
