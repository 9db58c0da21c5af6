//! The findings about one package, of all that is wrong with its files.

use crate::artifact::Artifact;
use crate::assess::{fingerprint, is_aside};
use crate::component::{Ecosystem, purl};
use crate::finding::{Certainty, EntryPath, Finding, Location, Rule, Severity};
use crate::inspect::ObservedFile;
use crate::inventory::pypi::record;
use crate::supply_chain::finding::inside;
use crate::supply_chain::rules;
use crate::text::has_suffix;

use super::lists::Package;
use super::{MAX_LOCATIONS, PROGRAMS, Wrong, is_native};

pub fn findings(artifact: &Artifact, package: &Package, wrong: Wrong) -> Vec<Finding> {
    let name = record::package(&package.record.path);
    let (name, version) = name.unwrap_or(("a package", String::new()));
    let purl = purl(
        Ecosystem::PyPi,
        &Ecosystem::PyPi.normalize_name(name),
        Some(&version),
    );
    let finding = |rule: &'static Rule, mut files: Vec<(EntryPath, String)>, more: &str| {
        files.sort();
        let count = match files.len() {
            1 => "1 file".to_owned(),
            n => format!("{n} files"),
        };
        let record = inside(artifact, &package.record.path);
        let parts = files
            .iter()
            .flat_map(|(path, digest)| [path.inner(), digest]);
        let parts: Vec<&str> = [record.as_str()].into_iter().chain(parts).collect();
        let fingerprint = fingerprint(rule.id, &parts);
        let title = format!("{}: {name} {version}, {count}{more}", rule.title);
        let shown = files.into_iter().take(MAX_LOCATIONS);
        let locations = shown.map(|(path, _)| Location::from(path)).collect();
        Finding {
            package: Some(purl.clone()),
            ..Finding::of(rule, title, locations, fingerprint)
        }
    };
    let seen = |files: &[&ObservedFile]| -> Vec<(EntryPath, String)> {
        let digest = |file: &ObservedFile| file.crc32.map(|crc32| format!("{crc32:08x}"));
        let row = |file: &&ObservedFile| (file.path.clone(), digest(file).unwrap_or_default());
        files.iter().map(row).collect()
    };
    let mut findings = Vec::new();
    if !wrong.changed.is_empty() {
        let is_aside =
            |file: &&ObservedFile| is_aside(&file.path) && !file.path.is_named("entry_points.txt");
        let is_harmless = package.is_own_build || wrong.changed.iter().all(is_aside);
        let found = |more| finding(&rules::CHANGED, seen(&wrong.changed), more);
        findings.push(match () {
            () if is_harmless => Finding {
                severity: Severity::Low,
                ..found("")
            },
            () if wrong.stripped == wrong.changed.len() => Finding {
                severity: Severity::Low,
                certainty: Certainty::Possible,
                ..found(": of another length, as libraries are when symbols are stripped")
            },
            () if wrong.linked == wrong.changed.len() => Finding {
                severity: Severity::Medium,
                certainty: Certainty::Possible,
                ..found(": links stand in their places")
            },
            () if wrong.stripped + wrong.turned == wrong.changed.len() => Finding {
                severity: Severity::Medium,
                certainty: Certainty::Possible,
                ..found(": of about the same length, as text is when ends of lines are turned")
            },
            () => found(""),
        });
    }
    if !wrong.line_ends.is_empty() {
        findings.push(finding(&rules::LINE_ENDS, seen(&wrong.line_ends), ""));
    }
    if !wrong.missing.is_empty() {
        let path = |inner: String| (package.record.path.sibling(&inner), String::new());
        let missing = wrong.missing.into_iter().map(path).collect();
        findings.push(match wrong.present {
            0 => Finding {
                severity: Severity::Info,
                ..finding(&rules::MISSING, missing, ": all of it")
            },
            _ => finding(&rules::MISSING, missing, ""),
        });
    }
    if !wrong.unrecorded.is_empty() {
        let is_one_of = |of: &[&str]| {
            let is = |file: &&ObservedFile| has_suffix(file.path.inner(), of);
            wrong.unrecorded.iter().any(is)
        };
        let is_native = wrong.unrecorded.iter().any(|file| is_native(&file.path));
        let severity = match () {
            () if is_native || is_one_of(&[".pth"]) => Severity::High,
            () if is_one_of(&PROGRAMS) => Severity::Medium,
            () => Severity::Low,
        };
        findings.push(Finding {
            severity,
            certainty: match wrong.is_unsure {
                true => Certainty::Possible,
                false => Certainty::Certain,
            },
            ..finding(&rules::UNRECORDED, seen(&wrong.unrecorded), "")
        });
    }
    findings
}
