//! Keys of a job file, as data for messages, the reference and the JSON Schema.

/// A set of a job file with its keys.
#[derive(Debug)]
pub struct Section {
    /// Name of the section, which no other section has.
    pub name: &'static str,
    /// Attribute path of the set, with `<name>` for names that the author of the file chooses.
    pub path: &'static str,
    /// Purpose of the set, as Markdown.
    pub doc: &'static str,
    /// Keys of the set.
    pub keys: &'static [Key],
}

/// A key of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Name of the key.
    pub name: &'static str,
    /// Values of the key, besides null.
    pub shape: Shape,
    /// Type of the value, for messages.
    pub expected: &'static str,
    /// Default, as Markdown: a value in backticks, or words.
    pub default: &'static str,
    /// Valid definition, for hints.
    pub example: &'static str,
    /// Meaning, as Markdown.
    pub doc: &'static str,
}

/// The default of a key that its set must have.
pub const REQUIRED: &str = "required";

/// The values that a key can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A string.
    Text,
    /// True or false.
    Boolean,
    /// An integer, from the smallest to the largest one.
    Integer(u32, u32),
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// A list.
    List(&'static Shape),
    /// A set whose names the author of the file chooses.
    Map(&'static Shape),
    /// A set with the keys of the section with this name.
    Set(&'static str),
    /// A value of any of these shapes.
    AnyOf(&'static [Shape]),
}
