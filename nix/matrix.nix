# The legs of jobs with a matrix, and the names of legs.
let
  inherit (builtins)
    all
    attrNames
    concatMap
    concatStringsSep
    elemAt
    filter
    foldl'
    head
    isAttrs
    isString
    length
    map
    mapAttrs
    match
    split
    toJSON
    ;
  inherit (import ./readers.nix) refuse;
  inherit (import ./job-keys.nix) jobs;

  fits = axes: adjustment: builtins.intersectAttrs adjustment."with" axes == adjustment."with";

  # Returns a job with an adjustment applied.
  apply =
    job: adjustment:
    let
      replaced =
        if adjustment ? steps then
          [ "command" ]
        else if adjustment ? command then
          [ "steps" ]
        else
          [ ];
      env = map (each: each.env or null) [
        job
        adjustment
      ];
    in
    removeAttrs job replaced
    // removeAttrs adjustment [
      "with"
      "skip"
    ]
    // (if all isAttrs env then { env = head env // elemAt env 1; } else { });

  maxLegs = 1000;
in
{
  inherit maxLegs;

  # Returns the legs of a job as it is written, or the job as its only leg.
  legs =
    name: job:
    let
      context = "the job ${toJSON name}: ";
      read = key: jobs.${key} context key job.${key};
      axes = read "matrix";
      adjustments = if job.adjust or null == null then [ ] else read "adjust";
      count = foldl' (product: values: product * length values) 1 (builtins.attrValues axes);
      combine =
        combinations: axis:
        concatMap (axes': map (value: axes' // { ${axis} = value; }) axes.${axis}) combinations;
      combinations = foldl' combine [ { } ] (attrNames axes);
      unused = filter (
        adjustment: !(builtins.any (axes': fits axes' adjustment) combinations)
      ) adjustments;

      leg =
        axes':
        let
          own = filter (fits axes') adjustments;
          pairs = map (axis: "${axis}=${axes'.${axis}}") (attrNames axes');
        in
        {
          inherit name;
          id = "${name}[${concatStringsSep "," pairs}]";
          axes = axes';
          skip = foldl' (skip: each: if each.skip == null then skip else each.skip) null own;
          # A job with this leg alone.
          job = removeAttrs (foldl' apply job own) [ "adjust" ] // {
            matrix = mapAttrs (_: value: [ value ]) axes';
          };
        };
    in
    if !isAttrs job || job.matrix or null == null then
      if isAttrs job && adjustments != [ ] then
        refuse context "`adjust` is for a job with a matrix"
      else
        [
          {
            inherit name job;
            id = name;
            axes = { };
            skip = null;
          }
        ]
    else if count > maxLegs then
      refuse context "its matrix has more than ${toString maxLegs} legs"
    else if unused != [ ] then
      refuse context "an adjustment with ${toJSON (head unused)."with"} fits no leg of the matrix"
    else
      map leg combinations;

  # Returns the name and the axes of `name`, `name[axis=value]` and the like; null if the brackets are malformed.
  parse =
    text:
    let
      parts = match "([^][]*)(\\[([^][]*)])?" text;
      pairs = map (match "[[:space:]]*([^=]*)=(.*[^[:space:]])[[:space:]]*") (
        filter isString (split "," (elemAt parts 2))
      );
    in
    if parts == null || elemAt parts 1 != null && builtins.elem null pairs then
      null
    else
      {
        name = head parts;
        # The number of axes.
        count = if elemAt parts 1 == null then 0 else length pairs;
        matches =
          axes: elemAt parts 1 == null || all (pair: axes.${head pair} or null == elemAt pair 1) pairs;
      };
}
