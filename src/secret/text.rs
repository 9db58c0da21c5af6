//! A text that is searched: a window of a file, or what was encoded in one, and where its bytes stand in the file.

use super::generic::Notation;

/// Where the bytes of a text are in the file.
pub enum Origin<'o> {
    /// At this offset, one for one.
    At(u64),
    /// All of them are what these bounds hold.
    Within(u64, u64),
    /// At this offset, with escapes as wide as [`super::decode::Unescaped`] tells.
    Unescaped(&'o Origin<'o>, usize, &'o [(usize, usize)]),
    /// At this offset, in characters of two bytes.
    Wide(&'o Origin<'o>, usize),
}

impl Origin<'_> {
    /// Whether all that the text holds has the same place in the file.
    pub fn is_one_place(&self) -> bool {
        match self {
            Origin::At(_) => false,
            Origin::Within(..) => true,
            Origin::Unescaped(outer, ..) | Origin::Wide(outer, _) => outer.is_one_place(),
        }
    }

    pub fn of(&self, start: usize, end: usize) -> (u64, u64) {
        match self {
            Origin::At(base) => (base + start as u64, base + end as u64),
            Origin::Within(from, to) => (*from, *to),
            Origin::Wide(outer, base) => outer.of(base + 2 * start, base + 2 * end),
            Origin::Unescaped(outer, base, widths) => {
                let original = |place: usize| {
                    let escapes = &widths[..widths.partition_point(|(at, _)| *at < place)];
                    base + place + escapes.last().map_or(0, |(_, more)| *more)
                };
                outer.of(original(start), original(end))
            }
        }
    }
}

pub struct Text<'t> {
    pub bytes: &'t [u8],
    pub origin: Origin<'t>,
    pub decoded: Option<&'static str>,
    pub depth: u8,
    /// What stands at the first and at the last byte may go on beyond.
    pub cut: (bool, bool),
    pub notation: Notation,
    /// Has a zero byte.
    pub binary: bool,
    /// Texts follow one another without a byte between them.
    pub packed: bool,
}
