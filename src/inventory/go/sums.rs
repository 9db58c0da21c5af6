//! Modules of a `go.mod` of which the `go.sum` beside it has no checksum.
//!
//! <https://go.dev/ref/mod#go-sum-files>: Go writes one of each module's content, or at least of its go.mod, and looks the
//! rest up elsewhere. In a workspace a second file has some of them: <https://go.dev/ref/mod#workspaces>.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::component::{Ecosystem, Evidence};
use crate::finding::{EntryPath, Location};
use crate::inspect::{Entry, Header, Inspector, Observations, Unreadable};
use crate::inventory::owner;
use crate::supply_chain::origin::{ObservedOrigin, Origin};

/// What go.mod files need, and what checksums there are.
#[derive(Debug, Default)]
pub struct Sums {
    needed: Vec<Needed>,
    /// The modules of the artifact, as [`key`] has them: Go takes no checksum of those in a workspace.
    own: HashSet<u64>,
    /// The folders that have a go.sum.
    folders: HashSet<EntryPath>,
    /// The modules and versions with a checksum in any file, as [`key`] has them: files have thousands.
    listed: HashSet<u64>,
}

#[derive(Debug)]
struct Needed {
    module: String,
    version: String,
    location: Location,
}

/// `go.work.sum`, which only adds to what go.sum files list.
pub struct WorkSums;

impl Inspector for WorkSums {
    fn wants(&self, header: &Header) -> bool {
        header.path.is_named("go.work.sum") && owner::is_owners(header.path)
    }

    fn inspect(&self, entry: &Entry, seen: &mut Observations) -> Result<(), Unreadable> {
        for line in entry.text()?.lines() {
            let mut words = line.split_whitespace();
            if let (Some(module), Some(version)) = (words.next(), words.next()) {
                seen.go_sums.list(module, version);
            }
        }
        Ok(())
    }
}

impl Sums {
    pub fn need(&mut self, module: &str, version: &str, location: Location) {
        self.needed.push(Needed {
            module: module.to_owned(),
            version: version.to_owned(),
            location,
        });
    }

    pub fn add_own(&mut self, module: &str) {
        self.own.insert(key(module, ""));
    }

    /// The version may be that of a go.mod: `v1.0.0/go.mod`.
    pub fn list(&mut self, module: &str, version: &str) {
        let version = version.strip_suffix("/go.mod").unwrap_or(version);
        self.listed.insert(key(module, version));
    }

    pub fn add_file(&mut self, go_sum: &EntryPath) {
        self.folders.insert(go_sum.sibling(go_sum.parent()));
    }

    /// Takes what has no checksum, though others have one.
    pub fn take_unhashed(&mut self) -> Vec<ObservedOrigin> {
        let Sums {
            needed,
            own,
            folders,
            listed,
        } = std::mem::take(self);
        let is_unhashed = |needed: &Needed| {
            let path = &needed.location.path;
            folders.contains(&path.sibling(path.parent()))
                && !own.contains(&key(&needed.module, ""))
                && !listed.contains(&key(&needed.module, &needed.version))
        };
        let unhashed = needed.into_iter().filter(is_unhashed);
        unhashed
            .map(|needed| ObservedOrigin {
                ecosystem: Ecosystem::Go,
                name: needed.module,
                stated: Evidence::Locked,
                origin: Origin::Unhashed,
                location: needed.location,
            })
            .collect()
    }

    pub fn rows(&self) -> usize {
        self.needed.len() + self.listed.len() + self.own.len()
    }

    /// Leaves all out where there is no room, as nothing can be missing from a part.
    pub fn truncate(&mut self, room: usize) {
        if self.rows() > room {
            *self = Sums::default();
        }
    }

    pub fn retain(&mut self, visible: impl Fn(&EntryPath) -> bool) {
        self.needed.retain(|needed| visible(&needed.location.path));
    }

    pub fn append(&mut self, other: Sums) {
        self.needed.extend(other.needed);
        self.own.extend(other.own);
        self.folders.extend(other.folders);
        self.listed.extend(other.listed);
    }
}

fn key(module: &str, version: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (module, version).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::super::go_mod::GoMod;
    use super::super::go_sum::GoSum;
    use super::*;
    use crate::inventory::testing::inspect;

    const GO_MOD: &str = "module own.example/fn\ngo 1.21\nrequire (\n a.example/a v1.0.0\n b.example/b v1.0.0\n \
        c.example/c v1.0.0\n d.example/d v1.0.0\n)\nreplace c.example/c => ./c\nreplace d.example/d => e.example/e v1.0.0\n";

    /// The names and lines of what has no checksum.
    fn unhashed(files: &[(&dyn Inspector, &str, &str)]) -> Vec<String> {
        let mut seen = Observations::default();
        for (inspector, path, text) in files {
            seen.append(inspect(*inspector, path, text).unwrap());
        }
        let rows = seen.go_sums.take_unhashed();
        let row = |row: &ObservedOrigin| format!("{}:{}", row.name, row.location.line.unwrap());
        rows.iter().map(row).collect()
    }

    #[test]
    fn what_is_built_is_looked_for_in_the_sums_beside_it() {
        let go_mod: (&dyn Inspector, _, _) = (&GoMod, "api/go.mod", GO_MOD);
        let sum = "a.example/a v1.0.0 h1:A=\nb.example/b v0.9.0 h1:A=\nd.example/d v1.0.0 h1:A=\n";
        let go_sum: (&dyn Inspector, _, _) = (&GoSum, "api/go.sum", sum);
        assert_eq!(
            unhashed(&[go_mod, go_sum]),
            ["b.example/b:5", "e.example/e:7"]
        );
        // Go may need no more than its go.mod.
        let more = "b.example/b v1.0.0/go.mod h1:A=\ne.example/e v1.0.0 h1:A=\n";
        let all = format!("{sum}{more}");
        assert!(unhashed(&[go_mod, (&GoSum, "api/go.sum", &all)]).is_empty());
        assert!(unhashed(&[go_mod, go_sum, (&WorkSums, "go.work.sum", more)]).is_empty());
    }

    #[test]
    fn modules_of_the_artifact_need_no_checksum() {
        let go_mod: (&dyn Inspector, _, _) = (&GoMod, "api/go.mod", GO_MOD);
        let go_sum: (&dyn Inspector, _, _) = (&GoSum, "api/go.sum", "a.example/a v1.0.0 h1:A=\n");
        let own = "module b.example/b\ngo 1.21\n";
        assert_eq!(
            unhashed(&[go_mod, go_sum, (&GoMod, "lib/go.mod", own)]),
            ["e.example/e:7"]
        );
    }

    #[test]
    fn without_a_go_sum_beside_it_nothing_is_known() {
        let sum = "x.example/x v1.0.0 h1:A=\n";
        assert!(unhashed(&[(&GoMod, "go.mod", GO_MOD)]).is_empty());
        assert!(unhashed(&[(&GoMod, "go.mod", GO_MOD), (&GoSum, "api/go.sum", sum)]).is_empty());
    }
}
