//! The one trait: what looks at an entry and says what it saw.

use std::collections::HashSet;
use std::str;
use std::sync::Arc;

use crate::artifact::image::ImageDocument;
use crate::component::{Ecosystem, Evidence, ObservedComponent};
use crate::finding::{EntryPath, Location};
use crate::inventory::cargo::linked::Graph;
use crate::inventory::cargo::program::NamedCrates;
use crate::inventory::go::Sums;
use crate::inventory::lock_tree::LockTrees;
use crate::inventory::maven::claims::Claim;
use crate::inventory::npm::layout;
use crate::inventory::nuget::assemblies::Assemblies;
use crate::inventory::pypi::requirements::RequirementsFile;
use crate::inventory::pypi::vendored::Traces;
use crate::secret::ObservedSecret;
use crate::size::Tool;
use crate::size::headers::NativeFile;
use crate::size::imports::ImportedTests;
use crate::size::needs::Needs;
use crate::supply_chain::{
    self,
    origin::{ObservedOrigin, Origin},
};
use crate::version::Version;

/// What is known of an entry before it is read whole.
pub struct Header<'a> {
    pub path: &'a EntryPath,
    /// Unpacked size in bytes, as the archive states it.
    pub size: u64,
    /// The first bytes, at most [`Header::PEEK`] of them.
    pub first_bytes: &'a [u8],
}

impl Header<'_> {
    /// How many first bytes an inspector may count on, where the entry has as many.
    pub const PEEK: usize = 512;
}

/// One file of the artifact, unpacked.
pub struct Entry<'a> {
    pub path: &'a EntryPath,
    pub bytes: &'a [u8],
}

impl<'a> Entry<'a> {
    /// The content as text, without a byte order mark.
    pub fn text(&self) -> Result<&'a str, Unreadable> {
        let bytes = self
            .bytes
            .strip_prefix(b"\xEF\xBB\xBF")
            .unwrap_or(self.bytes);
        str::from_utf8(bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
            Unreadable::at(line, "is not UTF-8 text")
        })
    }
}

/// What an archive or a folder holds, where that is known before any of it is read: of a zip, but not of a tar.
pub struct Contents<'a> {
    /// The prefix of what is in it.
    pub container: &'a Arc<str>,
    /// Whether it is the artifact itself, and not an archive in it.
    pub is_artifact: bool,
    /// In the order of the archive.
    pub paths: &'a [&'a EntryPath],
}

/// Why a file could not be understood: an `errors` row of the report, the audit goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Counted from 1, where it is known.
    pub line: Option<usize>,
    pub message: String,
}

impl Unreadable {
    /// Of a file in which no line can be named.
    pub fn new(message: impl Into<String>) -> Self {
        Unreadable {
            line: None,
            message: message.into(),
        }
    }

    /// `line` counts from 1.
    pub fn at(line: usize, message: impl Into<String>) -> Self {
        Unreadable {
            line: Some(line),
            message: message.into(),
        }
    }
}

/// Looks at the entries of an artifact. It says what it saw and where; it does not judge.
///
/// An inspector opens no file and uses no network. It is added to its ecosystem's list; see
/// [`crate::inventory::inspectors`].
pub trait Inspector: Sync {
    /// Whether to be given this entry. Asked for every entry of every artifact, so it must be cheap.
    fn wants(&self, header: &Header) -> bool;

    /// The largest entry that is read; a larger one that is wanted is an `errors` row. Parsing takes many
    /// times a text's size, so the default is only somewhat more than the largest lock files that people have.
    fn max_size(&self) -> u64 {
        8 * 1024 * 1024
    }

    /// Reads an entry that [`Inspector::wants`] asked for. What was seen before an error counts.
    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable>;

    /// What looks at an entry that there is no memory to hold; none where only the whole means anything. The header
    /// has all first bytes that were read, and the size is what the archive states, zero where it states none.
    fn in_windows(&self, _header: &Header) -> Option<Box<dyn Windows>> {
        None
    }

    /// Is told the names in every archive and folder that can list them, where names alone tell something.
    fn list(&self, _contents: &Contents, _seen: &mut Observations) {}
}

/// Looks at an entry in windows, in its order.
pub trait Windows {
    /// The bytes from offset `at`. A window begins before the end of the one before it.
    fn window(&mut self, bytes: &[u8], at: u64);

    /// Says what was seen of an entry that proved to be of that size.
    fn finish(
        self: Box<Self>,
        size: u64,
        path: &EntryPath,
        seen: &mut Observations,
    ) -> Result<(), Unreadable>;
}

/// What the inspectors saw.
#[derive(Debug, Default)]
pub struct Observations {
    pub components: Vec<ObservedComponent>,
    /// Rows of lock files that an installer may leave out, on another platform for one.
    pub optional: Vec<ObservedComponent>,
    /// What is said of jars, which is settled once all is known.
    pub jars: Vec<Claim>,
    /// Requirements files wait until all are known, because they include one another.
    pub requirements: Vec<RequirementsFile>,
    /// Files that an installed package lists as its own.
    pub owned: Vec<EntryPath>,
    /// What tells the layers of a container image.
    pub images: Vec<ImageDocument>,
    /// What tells of modules of Go without a checksum.
    pub go_sums: Sums,
    /// Lists of files with their digests, which installed packages bring along.
    pub records: Vec<RecordFile>,
    /// What says of a package that it was installed from a folder: nobody published it.
    pub local_installs: Vec<EntryPath>,
    /// What says of a package that a distribution built it, from a folder of its own.
    pub distributed: Vec<EntryPath>,
    /// What tells of Python packages without metadata.
    pub python: Traces,
    /// .NET assemblies, and what says better what they are.
    pub assemblies: Assemblies,
    pub secrets: Vec<SecretInFile>,
    /// Crates of Rust programs that may be the programs' own.
    pub named_crates: Vec<NamedCrates>,
    /// The lock files that Rust programs were built from, if the user named any.
    pub cargo_locks: Vec<Graph>,
    /// Files that are one component and nothing else.
    pub whole_files: Vec<WholeFile>,
    /// Every file of the artifact, whatever it is.
    pub files: Vec<ObservedFile>,
    /// What files say of where packages come from, where that is not simply their registry.
    pub origins: Vec<ObservedOrigin>,
    /// What tells of tampering and of code that runs unasked.
    pub supply: supply_chain::Traces,
    /// What installed packages need.
    pub needs: Vec<Needs>,
    /// What lock files say of which package needs which.
    pub lock_trees: LockTrees,
    /// Imports of the test folders of packages.
    pub imported_tests: Vec<ImportedTests>,
    /// Scripts that a bundler put together, and which.
    pub bundlers: Vec<(EntryPath, Tool)>,
    /// What the headers of native code say.
    pub native: Vec<NativeFile>,
}

/// A file as its archive lists it: what is left of every file once it was read.
#[derive(Clone, Debug)]
pub struct ObservedFile {
    pub path: EntryPath,
    /// Whether it is a file of the artifact itself, as a platform unpacks it, and not one of an archive in it, of which
    /// those alone are listed that have a digest. Of an image it is what is in its layers.
    pub is_deployed: bool,
    /// Unpacked bytes; of a symbolic link those of its target's name, of a hard link none.
    pub size: u64,
    /// Bytes of its data in the archive; none where files are not packed one by one.
    pub packed: Option<u64>,
    /// What Unix keeps of a file's kind and permissions, where the archive does.
    pub mode: Option<u32>,
    /// Where a link leads, as it is written.
    pub link: Option<Box<str>>,
    /// Whether that counts from the root of the archive and not from the link's folder.
    pub is_hard_link: bool,
    /// Of the content, where it was read to its end.
    pub crc32: Option<u32>,
    /// Likewise, of what a `RECORD` may list.
    pub sha256: Option<[u8; 32]>,
}

/// A file that is all there is of a component.
#[derive(Clone, Debug)]
pub struct WholeFile {
    pub path: EntryPath,
    pub ecosystem: Ecosystem,
    pub name: String,
    /// Unpacked, in bytes.
    pub size: u64,
}

/// The `RECORD` of an installed wheel, to be read if a file of it is in question.
#[derive(Clone, Debug)]
pub struct RecordFile {
    pub path: EntryPath,
    pub text: Box<[u8]>,
}

/// A secret, and what tells its file from another version of it.
#[derive(Clone, Debug)]
pub struct SecretInFile {
    pub secret: ObservedSecret,
    /// Of the whole file, where that was held.
    pub sha256: Option<[u8; 32]>,
}

impl Observations {
    /// Adds a component with an exact version.
    pub fn component(
        &mut self,
        ecosystem: Ecosystem,
        name: impl Into<String>,
        version: impl Into<String>,
        evidence: Evidence,
        location: impl Into<Location>,
    ) {
        self.components.push(ObservedComponent {
            ecosystem,
            name: name.into(),
            version: Some(version.into()),
            version_range: None,
            evidence,
            folder: None,
            location: location.into(),
        });
    }

    /// Adds a component with the version as a file states it, unless that has no place in the ecosystem's order: the
    /// name of a branch is no version.
    pub fn stated(
        &mut self,
        ecosystem: Ecosystem,
        name: impl Into<String>,
        version: &str,
        evidence: Evidence,
        location: impl Into<Location>,
    ) {
        match Version::parse(ecosystem, version) {
            Some(_) => self.component(ecosystem, name, version, evidence, location),
            None => self.unversioned(ecosystem, name, version, evidence, location),
        }
    }

    /// Adds a component of which a file says which code it is, a branch or a revision, but not in which version.
    pub fn unversioned(
        &mut self,
        ecosystem: Ecosystem,
        name: impl Into<String>,
        code: &str,
        evidence: Evidence,
        location: impl Into<Location>,
    ) {
        self.named(ecosystem, name, None, evidence, location);
        if let Some(component) = self.components.last_mut() {
            component.version_range = Some(code.to_owned()).filter(|code| !code.is_empty());
        }
    }

    /// Adds a component that is known by its name alone, and by the folder that it was built from where that is
    /// written: any path to it, which counts from its first `node_modules` on.
    pub fn named(
        &mut self,
        ecosystem: Ecosystem,
        name: impl Into<String>,
        folder: Option<&str>,
        evidence: Evidence,
        location: impl Into<Location>,
    ) {
        self.components.push(ObservedComponent {
            ecosystem,
            name: name.into(),
            version: None,
            version_range: None,
            evidence,
            folder: folder.and_then(layout::place).map(Box::from),
            location: location.into(),
        });
    }

    /// Adds a component that a manifest asks for by a range.
    pub fn declared(
        &mut self,
        ecosystem: Ecosystem,
        name: impl Into<String>,
        range: impl Into<String>,
        location: impl Into<Location>,
    ) {
        self.components.push(ObservedComponent {
            ecosystem,
            name: name.into(),
            version: None,
            version_range: Some(range.into()),
            evidence: Evidence::Declared,
            folder: None,
            location: location.into(),
        });
    }

    /// Adds what a file says of where a package comes from, if that is worth a word.
    pub fn origin(
        &mut self,
        ecosystem: Ecosystem,
        name: impl Into<String>,
        stated: Evidence,
        origin: Option<Origin>,
        location: impl Into<Location>,
    ) {
        self.origins.extend(origin.map(|origin| ObservedOrigin {
            ecosystem,
            name: name.into(),
            stated,
            origin,
            location: location.into(),
        }));
    }

    /// The `.dist-info` folders of what was installed from a folder, and is the project's own.
    pub fn local_folders(&self) -> HashSet<EntryPath> {
        let folder = |path: &EntryPath| path.sibling(path.parent());
        let distributed: HashSet<EntryPath> = self.distributed.iter().map(folder).collect();
        let local = self.local_installs.iter().map(folder);
        local.filter(|path| !distributed.contains(path)).collect()
    }

    /// Takes the lists of files that packages were published with. That of one that was installed from a folder
    /// lists the function's own files.
    pub fn take_published(&mut self) -> Vec<RecordFile> {
        let local = self.local_folders();
        let mut records = std::mem::take(&mut self.records);
        records.retain(|record| !local.contains(&record.path.sibling(record.path.parent())));
        records
    }

    /// How many rows there are about packages, requirements among them.
    pub fn rows(&self) -> usize {
        let requirements = self.requirements.iter().map(RequirementsFile::rows);
        let named = self.named_crates.iter().map(|program| program.names.len());
        self.components.len()
            + self.optional.len()
            + self.jars.len()
            + self.python.len()
            + self.assemblies.rows()
            + self.origins.len()
            + self.go_sums.rows()
            + requirements.sum::<usize>()
            + named.sum::<usize>()
    }

    /// Keeps the first rows and returns how many there were besides.
    pub fn truncate(&mut self, mut room: usize) -> usize {
        let before = self.rows();
        self.components.truncate(room);
        room -= self.components.len();
        self.optional.truncate(room);
        room -= self.optional.len();
        self.jars.truncate(room);
        room -= self.jars.len();
        self.python.truncate(room);
        room -= self.python.len();
        self.assemblies.truncate(room);
        room -= self.assemblies.rows();
        self.origins.truncate(room);
        room -= self.origins.len();
        self.go_sums.truncate(room);
        room -= self.go_sums.rows();
        self.named_crates.retain(|program| {
            let fits = program.names.len() <= room;
            room -= if fits { program.names.len() } else { 0 };
            fits
        });
        for file in &mut self.requirements {
            file.truncate(room);
            room -= file.rows();
        }
        before - self.rows()
    }

    /// Keeps what was seen at paths that `visible` is true of.
    pub fn retain(&mut self, visible: impl Fn(&EntryPath) -> bool) {
        self.components.retain(|c| visible(&c.location.path));
        self.optional.retain(|c| visible(&c.location.path));
        self.jars.retain(|claim| visible(&claim.path));
        self.requirements.retain(|r| visible(&r.path));
        self.named_crates.retain(|n| visible(&n.program));
        self.owned.retain(|path| visible(path));
        self.records.retain(|record| visible(&record.path));
        self.local_installs.retain(|path| visible(path));
        self.distributed.retain(|path| visible(path));
        self.python.retain(&visible);
        self.assemblies.retain(&visible);
        self.whole_files.retain(|file| visible(&file.path));
        self.files.retain(|file| visible(&file.path));
        self.origins.retain(|row| visible(&row.location.path));
        self.go_sums.retain(&visible);
        self.supply.retain(&visible);
        self.needs.retain(|needs| visible(&needs.manifest));
        self.lock_trees.retain(&visible);
        self.imported_tests.retain(|import| visible(&import.file));
        self.bundlers.retain(|(path, _)| visible(path));
        self.native.retain(|file| visible(&file.path));
        // Not the secrets: who has the image has what its upper layers hide.
    }

    pub fn append(&mut self, other: Observations) {
        self.components.extend(other.components);
        self.optional.extend(other.optional);
        self.jars.extend(other.jars);
        self.requirements.extend(other.requirements);
        self.owned.extend(other.owned);
        self.images.extend(other.images);
        self.records.extend(other.records);
        self.local_installs.extend(other.local_installs);
        self.distributed.extend(other.distributed);
        self.python.append(other.python);
        self.assemblies.append(other.assemblies);
        self.secrets.extend(other.secrets);
        self.named_crates.extend(other.named_crates);
        self.cargo_locks.extend(other.cargo_locks);
        self.whole_files.extend(other.whole_files);
        self.files.extend(other.files);
        self.origins.extend(other.origins);
        self.go_sums.append(other.go_sums);
        self.supply.append(other.supply);
        self.needs.extend(other.needs);
        self.lock_trees.append(other.lock_trees);
        self.imported_tests.extend(other.imported_tests);
        self.bundlers.extend(other.bundlers);
        self.native.extend(other.native);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::binary::Platform;
    use crate::inventory::nuget::assemblies::Described;
    use crate::inventory::pypi::requirements::Requirements;
    use crate::inventory::testing::inspect;

    fn some_of_each() -> Observations {
        let lines = "a==1.0\nb==1.0\n-r more.txt\n--trusted-host a.example\n";
        let mut seen = inspect(&Requirements, "requirements.txt", lines).unwrap();
        let path = EntryPath::new(&Arc::from("fn.zip!/"), "bootstrap");
        for name in ["c", "d"] {
            seen.named(Ecosystem::Npm, name, None, Evidence::Declared, path.clone());
        }
        seen.optional = seen.components.clone();
        for name in ["g", "h"] {
            let (locked, unhashed) = (Evidence::Locked, Some(Origin::Unhashed));
            seen.origin(Ecosystem::Npm, name, locked, unhashed, path.clone());
        }
        for names in [vec!["a.dll", "b.dll"], vec!["c.dll"]] {
            seen.assemblies.described.push(Described {
                by: path.clone(),
                files: Some(names.into_iter().map(str::to_owned).collect()),
            });
        }
        for _ in 0..2 {
            seen.named_crates.push(NamedCrates {
                program: path.clone(),
                platform: Platform::Unix,
                names: ["e", "f"].map(str::to_owned).into(),
            });
        }
        seen
    }

    #[test]
    fn truncating_drops_what_there_is_no_room_for_and_nothing_else() {
        let rows = some_of_each().rows();
        assert_eq!(rows, 17);
        for room in [rows, rows + 1] {
            let mut seen = some_of_each();
            assert_eq!((seen.truncate(room), seen.rows()), (0, rows));
        }
        for room in 0..rows {
            let mut seen = some_of_each();
            let left_out = seen.truncate(room);
            assert!(seen.rows() <= room, "{room}");
            assert_eq!(left_out + seen.rows(), rows, "{room}");
        }
    }
}
