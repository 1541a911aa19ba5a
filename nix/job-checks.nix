# Checks of a job as a whole.
let
  inherit (builtins)
    attrNames
    attrValues
    concatLists
    filter
    groupBy
    head
    isString
    length
    map
    mapAttrs
    match
    stringLength
    substring
    toJSON
    ;
  inherit (import ./readers.nix) refuse;
in
rec {
  # Removes names without needs in the set, again and again; the remaining ones are in a cycle or need one.
  withoutRunnable =
    needsOf: left:
    let
      still = filter (name: builtins.any (need: left ? ${need}) (needsOf name)) (attrNames left);
    in
    if length still == length (attrNames left) then
      left
    else
      withoutRunnable needsOf (builtins.intersectAttrs (groupBy (name: name) still) left);
  # Refuses too many services, and services that can't start.
  checkServices =
    context: services:
    let
      needs = mapAttrs (_: service: service.needs or [ ]) services;
      undefined = filter (need: !(services ? ${need})) (concatLists (attrValues needs));
      inCycle = withoutRunnable (name: needs.${name}) needs;
    in
    if length (attrNames services) > 20 then
      refuse context "it has more than 20 services"
    else if undefined != [ ] then
      refuse context "a service of it needs ${toJSON (head undefined)}, which is no service of this job"
    else if inCycle != { } then
      refuse context "its service ${toJSON (head (attrNames inCycle))} needs itself, by way of others"
    else
      services;

  # Refuses caches whose folders overlap, and those in the home of a guest of base `none`, which is the user's.
  checkCaches =
    context: caches: guest: names:
    let
      distinct = attrNames (groupBy (name: name) names);
      isWithin = inner: outer: substring 0 (stringLength outer + 1) "${inner}/" == "${outer}/";
      pathOf = name: head (match "(.*[^/])/*" caches.${name}.path);
      overlaps = filter (
        name: builtins.any (other: other != name && isWithin (pathOf name) (pathOf other)) distinct
      ) distinct;
      inHome = filter (name: substring 0 2 (pathOf name) == "~/") distinct;
    in
    if overlaps != [ ] then
      refuse context "its cache ${toJSON (head overlaps)} overlaps another one"
    else if inHome != [ ] && guest.base or "" == "none" then
      refuse context "its cache ${toJSON (head inHome)} is in your home, since its guest is of base `none`"
    else
      names;

  # Refuses a job whose longest command, with its variables, exceeds the limit of Linux on both.
  checkSize =
    context: job:
    let
      # The kernel adds a NUL and a pointer.
      sizeOf = text: builtins.stringLength text + 9;
      sum = builtins.foldl' builtins.add 0;
      sizeOfCommand =
        command: if isString command then builtins.stringLength command else sum (map sizeOf command);
      commands = if job ? command then [ job.command ] else map (step: step.command) job.steps;
      largest = head (builtins.sort (a: b: a > b) (map sizeOfCommand commands));
      valueOf = variable: if isString variable then variable else variable.default or "";
      variables = attrValues (mapAttrs (name: variable: sizeOf "${name}=${valueOf variable}") job.env);
    in
    if largest + sum variables > 2031616 then
      refuse context "its command and environment are longer than 1984 KiB, the most that Linux passes to a program"
    else
      true;
}
