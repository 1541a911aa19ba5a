//! Positions of the boxes and edges of a graph: layers from left to right, each centered.

use std::collections::BTreeMap;

use super::PlanGraph;

/// Width of a character of the monospaced font, in tenths of a pixel.
const CHARACTER: usize = 79;
/// Height of a line of text, in pixels.
pub const LINE: usize = 18;
/// Distance between the border of a box and its text, in pixels.
pub const PADDING: usize = 10;
/// Distance between the boxes of a layer, in pixels.
const GAP: usize = 18;
/// Distance between layers, in pixels.
const CHANNEL: usize = 64;
/// Distance between the picture and its border, in pixels.
const MARGIN: usize = 12;
/// Number of passes that move boxes beside the boxes they are connected with.
const PASSES: usize = 8;
/// Maximum number of bends; with more of them, edges run straight.
const MAX_BENDS: usize = 2000;

/// A rectangle, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rectangle {
    pub x: usize,
    pub y: usize,
    pub width: usize,
    pub height: usize,
}

impl Rectangle {
    /// Returns the height of the center.
    pub fn middle(&self) -> usize {
        self.y + self.height / 2
    }

    /// Returns the right border.
    pub fn end(&self) -> usize {
        self.x + self.width
    }
}

/// The positions of a graph.
#[derive(Debug)]
pub struct Layout {
    /// Width and height of the picture, in pixels.
    pub size: (usize, usize),
    /// Rectangles of the boxes.
    pub boxes: Vec<Rectangle>,
    /// The places that each edge passes: its first box, a bend in each layer between, its last box.
    pub edges: Vec<Vec<Rectangle>>,
}

/// Something in a layer: a box, or the place where an edge passes the layer.
struct Slots {
    /// Indices of the slots in each layer, from top to bottom; the first indices are those of the boxes.
    layers: Vec<Vec<usize>>,
    /// Size of each slot; a bend has no height.
    sizes: Vec<Rectangle>,
    /// Slots of each edge.
    edges: Vec<Vec<usize>>,
}

impl Layout {
    /// Returns the layout of a graph.
    pub fn new(graph: &PlanGraph) -> Self {
        let mut slots = Slots::new(graph);
        slots.sort_layers();
        let heights: Vec<usize> = slots.layers.iter().map(|layer| slots.height(layer)).collect();
        let height = heights.iter().copied().max().unwrap_or_default();
        let mut places = slots.sizes.clone();
        let mut x = MARGIN;
        for (layer, layer_height) in slots.layers.iter().zip(heights) {
            let width = layer.iter().map(|slot| slots.sizes[*slot].width).max().unwrap_or_default();
            let mut y = MARGIN + (height - layer_height) / 2;
            for slot in layer {
                // Everything in a layer has the same width, so edges pass no box.
                let own_height = slots.sizes[*slot].height;
                places[*slot] = Rectangle { x, y, width, height: own_height };
                y += own_height + GAP;
            }
            x += width + CHANNEL;
        }
        let size = (x.saturating_sub(CHANNEL) + MARGIN, height + 2 * MARGIN);
        let edges = slots.edges.iter().map(|edge| edge.iter().map(|slot| places[*slot]).collect()).collect();
        places.truncate(graph.boxes.len());
        Self { size, boxes: places, edges }
    }
}

impl Slots {
    fn new(graph: &PlanGraph) -> Self {
        let sizes = graph.boxes.iter().map(|each| {
            let lines = each.lines();
            let width = lines.iter().map(|line| text_width(line)).max().unwrap_or_default();
            Rectangle { x: 0, y: 0, width: width + 2 * PADDING, height: lines.len() * LINE + 2 * PADDING - 4 }
        });
        let mut slots = Self { layers: graph.layers.clone(), sizes: sizes.collect(), edges: Vec::new() };
        let mut layer_of = vec![0; graph.boxes.len()];
        for (layer, indices) in graph.layers.iter().enumerate() {
            for index in indices {
                layer_of[*index] = layer;
            }
        }
        let bends: usize = graph.edges.iter().map(|(from, to)| layer_of[*to] - layer_of[*from] - 1).sum();
        for (from, to) in &graph.edges {
            let between = if bends > MAX_BENDS { 0..0 } else { layer_of[*from] + 1..layer_of[*to] };
            let mut edge = vec![*from];
            for layer in between {
                edge.push(slots.sizes.len());
                slots.layers[layer].push(slots.sizes.len());
                slots.sizes.push(Rectangle::default());
            }
            edge.push(*to);
            slots.edges.push(edge);
        }
        slots
    }

    /// Sorts each layer by the mean position of the slots before or after it, which avoids most crossings.
    fn sort_layers(&mut self) {
        let mut before: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut after: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for pair in self.edges.iter().flat_map(|edge| edge.windows(2)) {
            before.entry(pair[1]).or_default().push(pair[0]);
            after.entry(pair[0]).or_default().push(pair[1]);
        }
        for pass in 0..PASSES {
            let neighbors = if pass % 2 == 0 { &before } else { &after };
            let mut positions = vec![0; self.sizes.len()];
            let count = self.layers.len();
            for turn in 0..count {
                let layer = &mut self.layers[if pass % 2 == 0 { turn } else { count - 1 - turn }];
                let old: BTreeMap<usize, usize> = layer.iter().enumerate().map(|(at, slot)| (*slot, at)).collect();
                layer.sort_by_key(|slot| match neighbors.get(slot) {
                    Some(slots) => slots.iter().map(|slot| positions[*slot]).sum::<usize>() / slots.len(),
                    None => scaled(old[slot], old.len()),
                });
                for (at, slot) in layer.iter().enumerate() {
                    positions[*slot] = scaled(at, layer.len());
                }
            }
        }
    }

    fn height(&self, layer: &[usize]) -> usize {
        layer.iter().map(|slot| self.sizes[*slot].height + GAP).sum::<usize>().saturating_sub(GAP)
    }
}

/// Returns a position in a layer, comparable with those in layers of other lengths.
fn scaled(position: usize, length: usize) -> usize {
    (2 * position + 1) * 1_000_000 / (2 * length)
}

/// Returns the width of a text, in pixels. A character outside of ASCII may be twice as wide as a letter.
fn text_width(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() { CHARACTER } else { 2 * CHARACTER }).sum::<usize>().div_ceil(10)
}
