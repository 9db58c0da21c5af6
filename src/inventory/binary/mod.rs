//! Executables and shared libraries, by what is in them: ELF, PE and Mach-O files of any name.
//!
//! [`Binary`] is the one inspector of them. It reads the headers (`executable`), and then goes once over the parts
//! that hold constants: `Literals` looks for the marks of all readers at the same time. Each reader gets the places of
//! its own marks and says what they mean.
//!
//! To add a reader, implement [`Reader`] and add it to `READERS`:
//!
//! - `marks` gives texts of eight bytes or more that tell it where to look. It is asked once, when the first executable
//!   is read, so it may make them of a table.
//! - `read` is called for every image of every executable, with the places of the marks in the order of the file; often
//!   there are none, and then it should be done at once. A [`Hit`] says which mark (its place in `marks`) begins at which
//!   offset of which part; [`Image::part`] gives the bytes of the part, in which a reader looks around. An error of one
//!   reader becomes an `errors` row of the file, and the others go on.
//!
//! What several images of a universal binary have in common counts once. Of a file that is too large to be held, the
//! readers see what stands around their marks (`excerpts`).

mod bare;
mod excerpts;
mod executable;
mod libraries;
#[cfg(test)]
#[allow(dead_code)]
mod library_spec;
#[cfg(test)]
pub mod testing;

use std::collections::{BTreeSet, HashSet};
use std::sync::OnceLock;

use excerpts::Excerpts;
pub use executable::{Image, Platform};
use libraries::Libraries;
pub use libraries::osv_names;

use super::cargo::{Auditable, Program};
use super::go::BuildInfo;
use super::literals::Literals;
use super::nuget::Assembly;
#[cfg(test)]
use super::version_spec;
use crate::finding::EntryPath;
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable, Windows};
use crate::size::headers::Headers;

pub struct Binary;

pub const INSPECTORS: &[&dyn Inspector] = &[&Binary];

const READERS: &[&dyn Reader] = &[
    &Auditable, &Program, &BuildInfo, &Libraries, &Assembly, &Headers,
];

/// How many places one reader is told of in one image: many times what honest files have.
const MAX_HITS: usize = 100_000;

/// Says what an executable is made of.
pub trait Reader: Sync {
    /// The texts that it wants to know the places of.
    fn marks(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// How far behind the beginning of a mark it looks, in a file of which only excerpts are held.
    fn reach(&self) -> u64 {
        512
    }

    /// Reads one image of the file at `path`.
    fn read(
        &self,
        image: &Image,
        hits: &[Hit],
        path: &EntryPath,
        seen: &mut Observations,
    ) -> Result<(), Unreadable>;
}

/// A place where a mark stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Which part of the image.
    pub part: usize,
    /// Where in the part the mark begins.
    pub at: usize,
    /// Its place in [`Reader::marks`].
    pub mark: usize,
}

impl Inspector for Binary {
    fn wants(&self, header: &Header) -> bool {
        header.size >= executable::MIN_SIZE && executable::is_executable(header.first_bytes)
    }

    /// Executables are as large as they are; memory alone bounds them.
    fn max_size(&self) -> u64 {
        u64::MAX
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        report(executable::images(entry.bytes), None, entry.path, seen)
    }

    fn in_windows(&self, header: &Header) -> Option<Box<dyn Windows>> {
        Some(Box::new(Excerpts::new(header)?))
    }
}

/// What all readers say of the images of one file. `problem` is what is known to be wrong with it already.
fn report<'a>(
    images: impl IntoIterator<Item = Image<'a>>,
    problem: Option<String>,
    path: &EntryPath,
    seen: &mut Observations,
) -> Result<(), Unreadable> {
    let mut of_file = Observations::default();
    let mut problems = BTreeSet::from_iter(problem);
    for image in images {
        if image.is_cut {
            problems.insert("has a table of sections beyond its end".to_owned());
        }
        read_image(&image, path, &mut of_file, &mut problems);
    }
    let mut known = HashSet::new();
    of_file
        .components
        .retain(|c| known.insert((c.ecosystem, c.name.clone(), c.version.clone())));
    seen.append(of_file);
    if problems.is_empty() {
        return Ok(());
    }
    let problems: Vec<String> = problems.into_iter().collect();
    Err(Unreadable::new(problems.join("; ")))
}

fn read_image(
    image: &Image,
    path: &EntryPath,
    seen: &mut Observations,
    problems: &mut BTreeSet<String>,
) {
    let (hits, are_all) = hits(image);
    if !are_all {
        problems.insert(format!(
            "names more than {MAX_HITS} places where packages could be; the rest was not looked at"
        ));
    }
    for (reader, hits) in READERS.iter().zip(hits) {
        if let Err(why) = reader.read(image, &hits, path, seen) {
            problems.insert(why.message);
        }
    }
}

/// The places of each reader's marks, and whether these are all.
fn hits(image: &Image) -> (Vec<Vec<Hit>>, bool) {
    let mut hits = vec![Vec::new(); READERS.len()];
    let mut are_all = true;
    for (part, bytes) in image.parts().enumerate() {
        marks().find(bytes, |at, (reader, mark)| match hits.get_mut(reader) {
            Some(hits) if hits.len() < MAX_HITS => hits.push(Hit { part, at, mark }),
            _ => are_all = false,
        });
    }
    for hits in &mut hits {
        hits.sort_unstable();
    }
    (hits, are_all)
}

/// Every mark, with its reader and its place among the marks of that.
fn marks() -> &'static Literals<(usize, usize)> {
    static MARKS: OnceLock<Literals<(usize, usize)>> = OnceLock::new();
    MARKS.get_or_init(|| {
        let readers = READERS.iter().enumerate();
        Literals::new(readers.flat_map(|(reader, marks)| {
            let marks = marks.marks().into_iter().enumerate();
            marks.map(move |(mark, text)| (text, (reader, mark)))
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::testing::{elf, fat, macho, pe};
    use super::*;
    use crate::inventory::testing::wants;

    #[test]
    fn only_executables_are_wanted() {
        let wanted = |bytes: &[u8]| wants(&Binary, "any", bytes);
        assert!(wanted(&elf(&[])));
        assert!(wanted(&pe(&[])));
        assert!(!wanted(b"MZ"));
        assert!(wanted(&fat(&[macho(&[]), macho(&[])])));
        assert!(!wanted(&[b'#'; 100]));
        let java_class = [b"\xca\xfe\xba\xbe\0\0\0\x34".to_vec(), vec![0; 100]].concat();
        assert!(!wanted(&java_class));
    }

    #[test]
    fn marks_are_long_enough_to_be_found() {
        for reader in READERS {
            assert!(reader.marks().iter().all(|mark| mark.len() >= 8));
        }
    }
}
