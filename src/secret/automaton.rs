//! An automaton (Aho and Corasick, 1975) for the forms of all secrets, whose input is output.

use std::collections::{BTreeSet, VecDeque};

/// The number of a state. The first one is that of no match; it is also the end of lists.
type State = u32;

/// A state: the longest end of the input that a form begins with.
#[derive(Clone, Copy, Default)]
struct Node {
    byte: u8,
    first_child: State,
    sibling: State,
    /// The state of the next shorter end of the input that a form begins with.
    fallback: State,
    /// Number of bytes.
    depth: u32,
    /// Number of bytes of the longest such end that more bytes could complete to a form.
    open: u32,
    /// Number of bytes of the longest form that ends here, and the number of its marker.
    form: u32,
    marker: u32,
}

/// An automaton for forms.
pub(super) struct Automaton {
    nodes: Vec<Node>,
    first: [State; 256],
    markers: Vec<String>,
}

/// A form at the end of the input.
#[derive(Clone, Copy)]
pub(super) struct Match {
    /// Length of the form, in bytes.
    pub(super) length: u64,
    /// Number of the marker.
    pub(super) marker: usize,
}

impl Automaton {
    /// Returns the automaton for the forms of each marker; `None` without markers.
    pub(super) fn new(forms: impl Iterator<Item = (String, BTreeSet<Vec<u8>>)>) -> Option<Self> {
        let mut automaton = Self { nodes: vec![Node::default()], first: [0; 256], markers: Vec::new() };
        for (marker, forms) in forms {
            let number = automaton.markers.len();
            automaton.markers.push(marker);
            for form in forms {
                automaton.add(&form, number);
            }
        }
        automaton.link();
        (!automaton.markers.is_empty()).then_some(automaton)
    }

    fn node(&self, state: State) -> &Node {
        &self.nodes[state as usize]
    }

    fn child(&self, state: State, byte: u8) -> State {
        if state == 0 {
            return self.first[usize::from(byte)];
        }
        let mut child = self.node(state).first_child;
        while child != 0 && self.node(child).byte != byte {
            child = self.node(child).sibling;
        }
        child
    }

    fn add(&mut self, form: &[u8], marker: usize) {
        let mut state = 0;
        for byte in form {
            let mut child = self.child(state, *byte);
            if child == 0 {
                child = State::try_from(self.nodes.len()).expect("the lengths of secrets have limits");
                let (sibling, depth) = (self.node(state).first_child, self.node(state).depth + 1);
                self.nodes.push(Node { byte: *byte, sibling, depth, ..Node::default() });
                self.nodes[state as usize].first_child = child;
                if state == 0 {
                    self.first[usize::from(*byte)] = child;
                }
            }
            state = child;
        }
        let node = &mut self.nodes[state as usize];
        // Two secrets may have a form in common: the first one gives its name.
        if node.form == 0 {
            (node.form, node.marker) = (node.depth, u32::try_from(marker).unwrap_or_default());
        }
    }

    /// Computes the links between states, in the order of their depths.
    fn link(&mut self) {
        let mut queue = VecDeque::from([0]);
        while let Some(state) = queue.pop_front() {
            let mut child = self.node(state).first_child;
            while child != 0 {
                let byte = self.node(child).byte;
                let fallback = if state == 0 { 0 } else { self.next(self.node(state).fallback, byte) };
                let shorter = *self.node(fallback);
                let node = &mut self.nodes[child as usize];
                node.fallback = fallback;
                node.open = if node.first_child == 0 { shorter.open } else { node.depth };
                if node.form == 0 {
                    (node.form, node.marker) = (shorter.form, shorter.marker);
                }
                queue.push_back(child);
                child = self.node(child).sibling;
            }
        }
    }

    /// Returns the state after another byte.
    pub(super) fn next(&self, mut state: State, byte: u8) -> State {
        loop {
            let child = self.child(state, byte);
            if child != 0 || state == 0 {
                return child;
            }
            state = self.node(state).fallback;
        }
    }

    /// Returns the longest form at the end of the input.
    pub(super) fn form(&self, state: State) -> Option<Match> {
        let node = self.node(state);
        (node.form > 0).then(|| Match { length: u64::from(node.form), marker: node.marker as usize })
    }

    /// Returns the number of bytes at the end of the input that more bytes could complete to a form.
    pub(super) fn open(&self, state: State) -> u64 {
        u64::from(self.node(state).open)
    }

    /// Returns the text of a marker.
    pub(super) fn marker(&self, marker: usize) -> &[u8] {
        self.markers[marker].as_bytes()
    }
}
