//! The legs of a job with a matrix.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::reader::{Field, Reader, attr_path};
use super::{env, keys};
use crate::config::eval::{Attrs, Value, ValueKind};
use crate::config::problem::{ByteRange, quoted};
use crate::id::JobId;

/// Maximum number of legs of all matrices of a file.
const MAX_LEGS: usize = 1000;
/// Maximum length of a value, in bytes.
const MAX_VALUE: usize = 100;

/// A leg of a job's matrix, or a job without one.
pub(super) struct Leg<'v> {
    /// Id of the leg: the name of the job with the axes.
    pub(super) id: JobId,
    /// Value of each axis.
    pub(super) axes: BTreeMap<String, String>,
    /// Reason for which the leg is left out.
    pub(super) skip: Option<String>,
    /// Attributes of the job, with those of the adjustments that fit.
    pub(super) attrs: Cow<'v, Attrs>,
}

/// An exception of a matrix.
struct Adjustment<'v> {
    with: BTreeMap<&'v str, &'v str>,
    skip: Option<String>,
    attrs: &'v Attrs,
    at: &'v ByteRange,
    path: String,
}

/// Returns the legs of a job, with all adjustments applied.
pub(super) fn legs<'v>(reader: &mut Reader, name: &str, path: &str, attrs: &'v Attrs) -> Vec<Leg<'v>> {
    // Another look at the same keys reads all of them, so this one refuses none.
    let fields = reader.fields(path, attrs, keys::JOB);
    let adjust = fields.get("adjust");
    let Some(field) = fields.get("matrix") else {
        if let Some(adjust) =
            adjust.filter(|adjust| !matches!(&adjust.value.kind, ValueKind::List(all) if all.is_empty()))
        {
            let message = format!("`{}` is for a job with a matrix", adjust.path);
            reader.refuse(&adjust.value.at, message, "write `matrix = { cc = [ \"gcc\" \"clang\" ]; };` too");
        }
        return vec![Leg { id: JobId::new(name), axes: BTreeMap::new(), skip: None, attrs: Cow::Borrowed(attrs) }];
    };
    let axes = read_axes(reader, &field);
    let count = axes.values().map(Vec::len).try_fold(1_usize, usize::checked_mul).unwrap_or(usize::MAX);
    reader.legs = reader.legs.saturating_add(count);
    if reader.legs > MAX_LEGS {
        let message = format!("with `{}` the file has more than {MAX_LEGS} legs of matrices", field.path);
        reader.refuse(&field.value.at, message, "remove values, or split the matrix among several job files");
        return Vec::new();
    }
    let adjustments = adjust.map(|field| read_adjustments(reader, &field)).unwrap_or_default();
    let mut legs: Vec<BTreeMap<String, String>> = vec![BTreeMap::new()];
    for (axis, values) in &axes {
        let with = |leg: &BTreeMap<String, String>, value: &str| {
            let mut leg = leg.clone();
            leg.insert((*axis).to_owned(), value.to_owned());
            leg
        };
        legs = legs.iter().flat_map(|leg| values.iter().map(move |value| with(leg, value))).collect();
    }
    for adjustment in &adjustments {
        if !legs.iter().any(|leg| adjustment.fits(leg)) {
            let message = format!("`{}.with` fits no leg of the matrix", adjustment.path);
            let hint = format!("the axes are {}", axes.keys().map(|axis| quoted(axis)).collect::<Vec<_>>().join(", "));
            reader.refuse(adjustment.at, message, hint);
        }
    }
    legs.into_iter().map(|axes| make_leg(name, attrs, axes, &adjustments)).collect()
}

fn make_leg<'v>(name: &str, attrs: &'v Attrs, axes: BTreeMap<String, String>, all: &[Adjustment<'v>]) -> Leg<'v> {
    let pairs: Vec<String> = axes.iter().map(|(axis, value)| format!("{axis}={value}")).collect();
    let id = JobId::new(format!("{name}[{}]", pairs.join(",")));
    let mut leg = Leg { id, axes, skip: None, attrs: Cow::Borrowed(attrs) };
    for adjustment in all.iter().filter(|adjustment| adjustment.fits(&leg.axes)) {
        leg.skip = adjustment.skip.clone().or(leg.skip);
        let attrs = leg.attrs.to_mut();
        let is_job_key = |key: &str| keys::JOB.iter().any(|job| job.name == key);
        for (key, attr) in adjustment.attrs.iter().filter(|(key, _)| is_job_key(key)) {
            for (command, other) in [("command", "steps"), ("steps", "command")] {
                if &**key == command {
                    attrs.remove(other);
                }
            }
            match (attrs.get_mut(key).map(|attr| &mut attr.value.kind), &attr.value.kind) {
                (Some(ValueKind::Attrs(env)), ValueKind::Attrs(more)) if &**key == "env" => {
                    env.extend(more.clone());
                }
                _ => drop(attrs.insert(Rc::clone(key), attr.clone())),
            }
        }
    }
    leg
}

impl Adjustment<'_> {
    fn fits(&self, leg: &BTreeMap<String, String>) -> bool {
        self.with.iter().all(|(axis, value)| leg.get(*axis).is_some_and(|other| other == value))
    }
}

fn read_axes<'v>(reader: &mut Reader, field: &Field<'v>) -> BTreeMap<&'v str, Vec<&'v str>> {
    let mut axes = BTreeMap::new();
    let Some(attrs) = reader.set_field(field) else { return axes };
    if attrs.is_empty() {
        reader.refuse(&field.value.at, format!("`{}` has no axis", field.path), field.hint());
    }
    for (axis, attr) in attrs {
        env::check_name(reader, axis, attr);
        let path = attr_path(&field.path, axis);
        let is_set = |item: &Value| matches!(item.kind, ValueKind::Attrs(_));
        if &**axis == "adjust" && matches!(&attr.value.kind, ValueKind::List(items) if items.iter().any(is_set)) {
            let hint = "`adjust` is a key of the job: write it beside `matrix`";
            reader.refuse(&attr.value.at, format!("`{path}` is no axis"), hint);
            continue;
        }
        if !matches!(attr.value.kind, ValueKind::List(_)) {
            reader.refuse(&attr.value.at, format!("`{path}` isn't a list of strings"), field.hint());
            continue;
        }
        let values = reader.strings(&field.member(path.clone(), &attr.value)).unwrap_or_default();
        if values.is_empty() {
            reader.refuse(&attr.value.at, format!("`{path}` has no value"), field.hint());
        }
        let mut distinct = BTreeSet::new();
        for (value, at) in &values {
            let is_valid = (1..=MAX_VALUE).contains(&value.len())
                && !value.contains(|c: char| c.is_control() || ",[]".contains(c))
                && value.trim() == &***value;
            if !is_valid {
                let message = format!("{} can't be a value of `{path}`", quoted(value));
                let hint = format!("write 1 to {MAX_VALUE} visible characters without `,`, `[` and `]`");
                reader.refuse(at, message, hint);
            } else if !distinct.insert(&***value) {
                reader.refuse(at, format!("`{path}` has {} twice", quoted(value)), "remove one of them");
            }
        }
        axes.insert(&**axis, values.into_iter().map(|(value, _)| &**value).collect());
    }
    axes
}

fn read_adjustments<'v>(reader: &mut Reader, field: &Field<'v>) -> Vec<Adjustment<'v>> {
    let mut adjustments = Vec::new();
    for (path, attrs, at) in reader.sets(field).unwrap_or_default() {
        let fields = reader.fields(&path, attrs, keys::ADJUST);
        let skip = fields.get("skip").and_then(|field| reader.line(&field));
        let Some(with) = fields.get("with") else {
            reader.refuse(
                at,
                format!("`{path}` has no `with`"),
                "write `\"with\" = { cc = \"gcc\"; };`; the quotes are Nix's, because `with` is a keyword",
            );
            continue;
        };
        let mut values = BTreeMap::new();
        for (axis, attr) in reader.set_field(&with).into_iter().flatten() {
            let member = with.member(attr_path(&with.path, axis), &attr.value);
            if let Some(value) = reader.string(&member) {
                values.insert(&**axis, &**value);
            }
        }
        adjustments.push(Adjustment { with: values, skip, attrs, at, path });
    }
    adjustments
}
