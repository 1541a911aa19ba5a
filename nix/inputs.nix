# The inputs of jobs: artifacts of other jobs.
let
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    elemAt
    filter
    head
    length
    map
    match
    sort
    stringLength
    substring
    toJSON
    ;
  inherit (import ./matrix.nix) parse;
  inherit (import ./readers.nix) refuse;

  # Returns the folder of an input, relative to the workspace; an empty text for the workspace itself.
  folderOf =
    input:
    let
      folder = head (match "(.*[^/])/*" (input.to or "."));
    in
    if folder == "." then "" else folder;
  isInside =
    outer: inner:
    outer == "" || inner == outer || substring 0 (stringLength outer + 1) inner == "${outer}/";
in
{
  # Returns the jobs that the inputs of a job come from, each with the folder for its artifacts. `resolve` returns the
  # legs of a name, and `artifactsOf` the globs of a leg.
  sourcesOf =
    {
      context,
      resolve,
      artifactsOf,
    }:
    inputs:
    let
      names = attrNames inputs;
      nestedIn =
        name:
        filter (
          other: other != name && isInside (folderOf inputs.${other}) (folderOf inputs.${name})
        ) names;
      nested = filter (name: nestedIn name != [ ]) names;
      source =
        name:
        let
          input = inputs.${name};
          matching = resolve context "the input ${toJSON name} is from" input.from;
          running = sort (a: b: a.id < b.id) (filter (leg: leg.skip == null) matching);
          byLeg = builtins.any (leg: length (attrNames leg.axes) > (parse input.from).count) matching;
          without = filter (leg: artifactsOf leg == [ ]) matching;
          axesOf = leg: elemAt (match "[^[]*\\[(.*)]" leg.id) 0;
          unfit = filter (leg: match ".*/.*" (axesOf leg) != null) matching;
          folder =
            leg:
            concatStringsSep "/" (
              filter (part: part != "") [
                (folderOf input)
                (if byLeg then axesOf leg else "")
              ]
            );
        in
        if without != [ ] then
          refuse context "the input ${toJSON name} is from ${toJSON (head without).id}, which keeps no artifacts"
        else if running == [ ] then
          refuse context "`adjust` leaves out all of the input ${toJSON name}"
        else if byLeg && unfit != [ ] then
          refuse context "a value of ${toJSON (head unfit).id} has a `/`, so that no folder can have the name of the leg"
        else
          map (leg: {
            job = leg.id;
            to = folder leg;
          }) running;
    in
    if nested != [ ] then
      refuse context "the inputs ${toJSON (head nested)} and ${toJSON (head (nestedIn (head nested)))} have the same folder, or one inside of the other"
    else
      concatMap source names;
}
