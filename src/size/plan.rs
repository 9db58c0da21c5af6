//! The saving plan: what can be left out, how much that saves, and the patterns that do it.
//!
//! No byte is promised twice: a file counts for the first item that it is of. Patterns match what their item counts and
//! what the items before it count, and nothing else, so that whoever carries the plan out in its order saves what it says
//! to the byte.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Serialize;

use super::copies::{Home, home};
use super::facts::Facts;
use super::platform::Measure;
use super::runtime::Provided;
use super::tool::Tool;
use super::usage::Placed;
use super::waste::{COPIES, RULES, Rule, Safety};
use super::{Amount, Deployment, LimitUse};
use crate::finding::folders;
use crate::inventory::pypi::resolve_path;

/// What to leave out, in this order.
#[derive(Debug, Serialize)]
pub struct Plan {
    pub items: Vec<PlanItem>,
    /// What the items save that need not be tried first.
    pub safe: Amount,
    /// What all items save.
    pub total: Amount,
    /// What would remain; unpacked bytes.
    pub remaining_bytes: u64,
    /// Whether it then fits the platform's limit of unpacked bytes; null where it fits as it is, or where no such limit
    /// is known.
    pub fits: Option<Fit>,
    /// How the tool that built it is told to leave files out.
    pub setting: &'static str,
}

/// What it takes to come under the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// The safe items are enough.
    Safe,
    /// All items are, of which some must be tried first.
    All,
    /// Not even these: it takes another way.
    No,
}

/// Files of one kind in one artifact.
#[derive(Debug, Serialize)]
pub struct PlanItem {
    /// Of the kind; stable.
    pub id: &'static str,
    /// What it is, for people.
    pub what: &'static str,
    pub certainty: Safety,
    /// The artifact, or the layer of an image.
    pub artifact: String,
    /// What it saves, once the items before it are carried out.
    #[serde(flatten)]
    pub saves: Amount,
    /// Globs from the root of the artifact: `*` for no `/`, `**/` for any folders, `\` before what is no wildcard.
    pub patterns: Vec<String>,
    /// How not to have it in the first place; empty where there is no way.
    pub at_build: &'static str,
}

/// Which item each file is of.
pub struct Savings<'a> {
    deployment: &'a Deployment<'a>,
    /// In the order of the plan.
    rules: Vec<&'static Rule>,
    /// Of each file, the place among the rules of that which it counts for.
    of_file: Vec<Option<usize>>,
}

/// From this many patterns on one for all of them is looked for.
const FEW_PATTERNS: usize = 8;
/// How many such are tried, those that match most.
const MAX_GLOBS: usize = 16;

impl<'a> Savings<'a> {
    pub fn of(deployment: &'a Deployment<'a>, provided: &[Provided]) -> Self {
        let facts = Facts::of(deployment, provided);
        let mut bytes = vec![0u64; RULES.len()];
        let found: Vec<u64> = deployment
            .placed
            .iter()
            .map(|file| {
                let mut rules = 0;
                // What is shown of such a name is not the name, so that no pattern would match it.
                if file.path().contains('\\') {
                    return rules;
                }
                for (rule, bytes) in bytes.iter_mut().enumerate() {
                    let Rule { safety, finds, .. } = RULES[rule];
                    if finds(&facts, file) && facts.may_be(safety, file) {
                        rules |= 1 << rule;
                        *bytes += file.file.size;
                    }
                }
                rules
            })
            .collect();
        let mut order: Vec<usize> = (0..RULES.len()).filter(|&rule| bytes[rule] > 0).collect();
        order.sort_by_key(|&rule| (RULES[rule].safety, std::cmp::Reverse(bytes[rule])));
        let first = |rules: u64| order.iter().position(|rule| rules & (1 << rule) != 0);
        let mut of_file: Vec<Option<usize>> = found.into_iter().map(first).collect();
        keep_what_links_lead_to(deployment.placed, &mut of_file);
        let copies = order.iter().position(|&rule| RULES[rule].id == COPIES);
        if let Some(copies) = copies {
            keep_copies_whole(deployment, copies, &mut of_file);
        }
        Savings {
            deployment,
            of_file,
            rules: order.iter().map(|&rule| &RULES[rule]).collect(),
        }
    }

    pub fn plan(&self, limits: &[LimitUse]) -> Plan {
        let mut items = Vec::new();
        let mut by_container: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
        for (index, file) in self.deployment.placed.iter().enumerate() {
            let container = &**file.file.path.container();
            by_container
                .entry((file.part, container))
                .or_default()
                .push(index);
        }
        for ((part, container), files) in &by_container {
            let artifact = match container.matches("!/").count() {
                0 | 1 => self.deployment.artifacts[*part].path.clone(),
                _ => container.trim_end_matches("!/").to_owned(),
            };
            let stays = self.stays(files);
            for (place, rule) in self.rules.iter().enumerate() {
                let is_its = |index: &&usize| self.of_file[**index] == Some(place);
                let counted: Vec<&Placed> = files
                    .iter()
                    .filter(is_its)
                    .map(|&index| &self.deployment.placed[index])
                    .collect();
                if counted.is_empty() {
                    continue;
                }
                let item = PlanItem {
                    id: rule.id,
                    what: rule.what,
                    certainty: rule.safety,
                    artifact: artifact.clone(),
                    saves: Amount::of(counted.iter().map(|placed| placed.file)),
                    patterns: self.patterns(files, place, &stays),
                    at_build: rule.at_build,
                };
                items.push((place, item));
            }
        }
        items.sort_by_key(|(place, _)| *place);
        let items: Vec<PlanItem> = items.into_iter().map(|(_, item)| item).collect();
        let sum = |keeps: &dyn Fn(&PlanItem) -> bool| {
            let mut sum = Amount::default();
            for item in items.iter().filter(|item| keeps(item)) {
                sum.merge(&item.saves);
            }
            sum
        };
        let safe = sum(&|item| item.certainty == Safety::Safe);
        let total = sum(&|_| true);
        let all = Amount::of(self.deployment.placed.iter().map(|placed| placed.file));
        Plan {
            remaining_bytes: all.unpacked_bytes - total.unpacked_bytes,
            fits: limits
                .iter()
                .find(|used| used.measure == Measure::Unpacked && used.used > used.limit)
                .map(|used| fit(used, &safe, &total)),
            items,
            safe,
            total,
            setting: self.deployment.tool.setting(),
        }
    }

    /// Of each folder, the last item that takes a file from it; beyond all of them where a file stays.
    fn stays(&self, files: &[usize]) -> HashMap<&str, usize> {
        let mut stays: HashMap<&str, usize> = HashMap::new();
        let mut last = None;
        for &index in files {
            let file = &self.deployment.placed[index].file.path;
            let until = self.of_file[index].unwrap_or(usize::MAX);
            // Files of one folder follow one another, and mostly stay.
            if last == Some((file.parent(), until)) {
                continue;
            }
            last = Some((file.parent(), until));
            for folder in folders(file.inner()) {
                let known = stays.entry(folder).or_default();
                *known = until.max(*known);
            }
        }
        stays
    }

    /// What matches the files of an item among those of its container, and of others those of the items before it alone.
    fn patterns(&self, files: &[usize], place: usize, stays: &HashMap<&str, usize>) -> Vec<String> {
        let path = |index: usize| self.deployment.placed[index].path();
        let is_its = |index: usize| self.of_file[index] == Some(place);
        let its: Vec<&str> = files
            .iter()
            .filter(|i| is_its(**i))
            .map(|i| path(*i))
            .collect();
        let is_kept = |folder: &str| stays.get(folder).is_some_and(|until| *until > place);
        let folded = fold(&its, is_kept);
        if folded.len() <= FEW_PATTERNS {
            return folded.into_iter().collect();
        }
        let is_gone = |index: usize| self.of_file[index].is_some_and(|other| other <= place);
        let kept: Vec<&str> = files
            .iter()
            .filter(|i| !is_gone(**i))
            .map(|i| path(*i))
            .collect();
        let mut left = its;
        let mut patterns = Vec::new();
        for glob in candidates(&left) {
            let is_of_use = left.iter().any(|path| glob.matches(path));
            if is_of_use && !kept.iter().any(|path| glob.matches(path)) {
                patterns.push(glob.pattern());
                // To zip `**/` is a folder at least.
                let is_zip = self.deployment.tool == Tool::Zip;
                if is_zip && left.iter().any(|path| glob.matches_at_root(path)) {
                    patterns.push(glob.pattern_at_root());
                }
                left.retain(|path| !glob.matches(path));
            }
        }
        patterns.extend(fold(&left, is_kept));
        patterns
    }
}

/// A link that stays leads to something.
fn keep_what_links_lead_to(placed: &[Placed], of_file: &mut [Option<usize>]) {
    let mut left: Vec<usize> = (0..placed.len())
        .filter(|&index| of_file[index].is_none() && placed[index].file.link.is_some())
        .collect();
    if left.is_empty() {
        return;
    }
    let mut by_path: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
    for (index, file) in placed.iter().enumerate() {
        by_path
            .entry((file.part, file.path()))
            .or_default()
            .push(index);
    }
    let mut seen = HashSet::new();
    while let Some(index) = left.pop() {
        let file = &placed[index];
        // Hard links lead from the root.
        let folder = match file.file.is_hard_link {
            true => "",
            false => file.file.path.parent(),
        };
        let target = file.file.link.as_deref();
        let Some(target) = target.and_then(|to| target_of(folder, to)) else {
            continue;
        };
        if !seen.insert((file.part, target.clone())) {
            continue;
        }
        let at = |path| by_path.get(&(file.part, path)).into_iter().flatten();
        let is_link = |kept: &&usize| placed[**kept].file.link.is_some();
        // The way there may lead through links to folders.
        let on_the_way = folders(&target).flat_map(at).filter(is_link);
        let inside = format!("{target}/");
        let below = by_path
            .range((file.part, &*inside)..)
            .take_while(|((part, path), _)| *part == file.part && path.starts_with(&inside))
            .flat_map(|(_, files)| files);
        for &kept in at(&target).chain(on_the_way).chain(below) {
            if of_file[kept].take().is_some() && is_link(&&kept) {
                left.push(kept);
            }
        }
    }
}

/// Node.js ends its search at a folder of the name, be it half empty: of a copy that cannot go whole nothing goes as such.
fn keep_copies_whole(deployment: &Deployment, copies: usize, of_file: &mut [Option<usize>]) {
    let files = || deployment.placed.iter().enumerate();
    let staying = files().filter(|(index, _)| of_file[*index].is_none());
    let mut torn: HashSet<Home> = staying.filter_map(|(_, file)| home(file)).collect();
    torn.retain(|home| deployment.copies.contains(home));
    for (index, file) in files() {
        if of_file[index] == Some(copies) && home(file).is_some_and(|home| torn.contains(&home)) {
            of_file[index] = None;
        }
    }
}

/// Where a link in that folder leads, unless out of the artifact.
pub fn target_of(folder: &str, link: &str) -> Option<String> {
    resolve_path(folder, link).filter(|target| !target.is_empty())
}

fn fit(used: &LimitUse, safe: &Amount, total: &Amount) -> Fit {
    let fits = |saved: &Amount| used.used.saturating_sub(saved.unpacked_bytes) <= used.limit;
    if fits(safe) {
        Fit::Safe
    } else if fits(total) {
        Fit::All
    } else {
        Fit::No
    }
}

/// The files by the outermost folders that nothing is kept in, or one by one.
fn fold(files: &[&str], is_kept: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let pattern = |path: &&str| {
        let folder = folders(path).find(|folder| !is_kept(folder));
        match folder {
            Some(folder) => format!("{}/**", escaped(folder)),
            None => escaped(path),
        }
    };
    files.iter().map(pattern).collect()
}

/// Folders whose names say what is in them, so that a pattern may be made of one.
const TELLING_FOLDERS: &[&str] = &[
    "__pycache__",
    "__tests__",
    "benchmark",
    "benchmarks",
    "doc",
    "docs",
    "example",
    "examples",
    "include",
    "spec",
    "test",
    "tests",
];

/// A pattern for files anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Glob<'a> {
    /// `**/*.cpython-312.pyc`
    Suffix(&'a str),
    /// `**/README.md`
    Name(&'a str),
    /// `**/tests/**`
    Folder(&'a str),
}

impl Glob<'_> {
    fn matches(&self, path: &str) -> bool {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        match self {
            Glob::Suffix(suffix) => name.ends_with(suffix),
            Glob::Name(whole) => name == *whole,
            Glob::Folder(name) => path.split('/').rev().skip(1).any(|part| part == *name),
        }
    }

    fn matches_at_root(&self, path: &str) -> bool {
        let (first, rest) = match path.split_once('/') {
            Some((first, _)) => (first, true),
            None => (path, false),
        };
        match self {
            Glob::Folder(name) => rest && first == *name,
            _ => !rest && self.matches(path),
        }
    }

    fn pattern(&self) -> String {
        format!("**/{}", self.pattern_at_root())
    }

    fn pattern_at_root(&self) -> String {
        match self {
            Glob::Suffix(suffix) => format!("*{}", escaped(suffix)),
            Glob::Name(name) => escaped(name),
            Glob::Folder(name) => format!("{}/**", escaped(name)),
        }
    }
}

/// The patterns that match most of the files, by what these have in common.
fn candidates<'a>(files: &[&'a str]) -> Vec<Glob<'a>> {
    let is_telling = |folder: &&str| TELLING_FOLDERS.contains(folder);
    let mut counts: HashMap<Glob, usize> = HashMap::new();
    for &path in files {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let dots = name.rmatch_indices('.').take(2);
        let suffixes = dots.map(|(at, _)| Glob::Suffix(&name[at..]));
        let folders = folder.split('/').take(256).filter(is_telling);
        let folders: BTreeSet<Glob> = folders.map(Glob::Folder).collect();
        for glob in suffixes.chain(folders).chain([Glob::Name(name)]) {
            *counts.entry(glob).or_default() += 1;
        }
    }
    let mut globs: Vec<(Glob, usize)> = counts.into_iter().filter(|(_, n)| *n > 1).collect();
    globs.sort_by(|(a, an), (b, bn)| bn.cmp(an).then_with(|| a.cmp(b)));
    // Folders that all files are in match the kept ones too, and would leave no room for others.
    globs.truncate(MAX_GLOBS);
    globs.into_iter().map(|(glob, _)| glob).collect()
}

/// The text as a glob that matches it alone.
fn escaped(text: &str) -> String {
    let mut glob = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '!' | '\\') {
            glob.push('\\');
        }
        glob.push(c);
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_the_outermost_folders_that_go_whole() {
        let gone = ["a/tests/x/1", "a/tests/2", "b/c/3", "b/4", "d"];
        let kept = ["a", "b", "b/c"];
        let patterns: Vec<String> = fold(&gone, |folder| kept.contains(&folder))
            .into_iter()
            .collect();
        assert_eq!(patterns, ["a/tests/**", "b/4", "b/c/3", "d"]);
    }

    #[test]
    fn links_lead_where_systems_follow_them() {
        for (folder, link, target) in [
            ("a/b", "../c/d", Some("a/c/d")),
            ("a", "/usr/lib", Some("usr/lib")),
            ("", "./x", Some("x")),
            ("a", "../../x", None),
            ("a", "..", None),
        ] {
            assert_eq!(
                target_of(folder, link).as_deref(),
                target,
                "{folder} {link}"
            );
        }
    }

    #[test]
    fn names_with_wildcards_match_themselves_alone() {
        assert_eq!(escaped("a/[id]/*.js"), "a/\\[id\\]/\\*.js");
    }

    #[test]
    fn common_parts_of_paths_become_patterns() {
        let files = ["a/x.d.ts", "docs/y.d.ts", "b/docs/y.d.ts", "b/z.js"];
        let globs = candidates(&files);
        for glob in [
            Glob::Suffix(".d.ts"),
            Glob::Name("y.d.ts"),
            Glob::Folder("docs"),
        ] {
            assert!(globs.contains(&glob), "{glob:?}");
        }
        // The name of a package says nothing of what is in it.
        assert!(!globs.contains(&Glob::Folder("b")));
        assert_eq!(Glob::Suffix(".d.ts").pattern(), "**/*.d.ts");
        assert!(Glob::Folder("docs").matches("docs/y.d.ts"));
        assert!(!Glob::Folder("docs").matches("a/docs"));
        assert!(Glob::Suffix(".pyi").matches_at_root("a.pyi"));
        assert!(!Glob::Suffix(".pyi").matches_at_root("a/a.pyi"));
        assert!(Glob::Folder("docs").matches_at_root("docs/y/z"));
        assert_eq!(Glob::Folder("docs").pattern_at_root(), "docs/**");
    }
}
