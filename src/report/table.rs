//! The report for people: one block a component, the worst first, and what to do about it.
//!
//! Colours are written as ANSI codes; the caller's stream strips them where they do not belong.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::Report;
use crate::advisory::database::DatabaseKind;
use crate::artifact::Artifact;
use crate::component::{Component, Scope};
use crate::finding::{Certainty, EntryPath, Finding, Kind, Location, Severity, SeveritySource};
use crate::text::size;

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();

/// Where the text of a block starts, after the column of its severity.
const INDENT: &str = "          ";

/// How much of a long list is shown, unless all is asked for.
const FEW_FINDINGS: usize = 5;
const FEW_ERRORS: usize = 20;

/// A column is no wider, for the sake of a few long names; those push their own row aside.
const WIDEST_COLUMN: usize = 32;

/// The digits of a SHA-256, by which images name their layers, and how many of them people know one by.
const DIGEST: usize = 64;
const SHORT_DIGEST: usize = 12;

fn style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::Red.on_default().bold(),
        Severity::High => AnsiColor::Red.on_default(),
        Severity::Medium => AnsiColor::Yellow.on_default(),
        Severity::Low => AnsiColor::Cyan.on_default(),
        Severity::Info => Style::new(),
    }
}

/// Writes what was found. `verbose` leaves nothing out and shortens nothing.
pub fn write(report: &Report, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    for artifact in &report.artifacts {
        write_artifact(artifact, out)?;
    }
    writeln!(out)?;
    let (told, open): (Vec<Block>, Vec<Block>) = blocks(report)
        .into_iter()
        .partition(|block| verbose || !block.is_open);
    for block in told {
        match block.component {
            Some(component) => write_component(component, &block.findings, verbose, out)?,
            None => write_structure(&block.findings, verbose, out)?,
        }
        writeln!(out)?;
    }
    write_open(&open, out)?;
    write_errors(report, verbose, out)?;
    write_summary(report, out)
}

/// Writes the components alone, a line each.
pub fn write_inventory(report: &Report, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<[String; 4]> = report.packages.iter().map(inventory_row).collect();
    let [ecosystem, name, version, evidence] = widths(&rows);
    for (row, component) in rows.iter().zip(&report.packages) {
        let before = format!(
            "{:ecosystem$}  {BOLD}{:name$}{BOLD:#}  {:version$}  {:evidence$}  {DIM}",
            row[0], row[1], row[2], row[3]
        );
        let under = ecosystem + name + version + evidence + 8;
        let under = format!("{:under$}{DIM}", "");
        write_locations(&component.locations, verbose, &before, &under, out)?;
    }
    if !report.packages.is_empty() {
        writeln!(out)?;
    }
    write_errors(report, verbose, out)?;
    writeln!(out, "{}", components_line(report))
}

/// What is no exact version stands in parentheses.
fn version(component: &Component) -> String {
    match (&component.version, &component.version_range) {
        (Some(version), _) => version.clone(),
        (None, Some(range)) => format!("({range})"),
        (None, None) => "(unknown)".to_owned(),
    }
}

/// Ecosystem, name, version and evidence.
fn inventory_row(component: &Component) -> [String; 4] {
    [
        component.ecosystem.as_str().to_owned(),
        component.name.clone(),
        version(component),
        format!("{:?}", component.evidence).to_lowercase(),
    ]
}

/// How wide each column must be for its texts to stand in line.
fn widths<const N: usize>(rows: &[[String; N]]) -> [usize; N] {
    std::array::from_fn(|column| {
        let width = |row: &[String; N]| row[column].chars().count();
        let widest = rows.iter().map(width).max().unwrap_or(0);
        widest.min(WIDEST_COLUMN)
    })
}

pub(super) fn write_artifact(artifact: &Artifact, out: &mut dyn Write) -> io::Result<()> {
    write!(
        out,
        "{BOLD}{}{BOLD:#}  {}, {}",
        artifact.path,
        artifact.kind,
        count(artifact.entries, "file")
    )?;
    if let Some(packed) = artifact.packed_bytes {
        write!(out, ", {} packed", size(packed))?;
    }
    writeln!(out, ", {} unpacked", size(artifact.unpacked_bytes))
}

/// The findings about one component, or one finding about the artifact itself.
struct Block<'a> {
    component: Option<&'a Component>,
    /// See [`is_open`].
    is_open: bool,
    findings: Vec<&'a Finding>,
}

/// Components by what their findings say of them.
struct Components<'a>(HashMap<(&'a str, Option<&'a Location>), &'a Component>);

impl<'a> Components<'a> {
    fn of(report: &'a Report) -> Self {
        let packages = report.packages.iter();
        Components(
            packages
                .map(|c| ((c.purl.as_str(), c.locations.first()), c))
                .collect(),
        )
    }

    /// The component whose version the finding is about; what its name tells stands by itself.
    fn of_finding(&self, finding: &Finding) -> Option<&'a Component> {
        finding.advisory.as_ref()?;
        let key = (finding.package.as_deref()?, finding.locations.first());
        self.0.get(&key).copied()
    }

    fn is_open(&self, finding: &Finding) -> bool {
        self.of_finding(finding)
            .is_some_and(|component| is_open(component, finding))
    }
}

/// Whether only the component's version, which is not known, can tell if it is affected.
fn is_open(component: &Component, finding: &Finding) -> bool {
    component.version.is_none()
        && component.scope == Scope::Shipped
        && finding.certainty == Certainty::Possible
}

/// Groups the findings, the worst first. What cannot fail the audit comes last, however bad it is.
fn blocks(report: &Report) -> Vec<Block<'_>> {
    let components = Components::of(report);
    let mut blocks: Vec<Block> = Vec::new();
    let mut by_component: HashMap<(*const Component, bool), usize> = HashMap::new();
    for finding in &report.findings {
        let component = components.of_finding(finding);
        let is_open = components.is_open(finding);
        let key = component.map(|component| (std::ptr::from_ref(component), is_open));
        let known = key.and_then(|key| by_component.get(&key));
        if let Some(&index) = known {
            blocks[index].findings.push(finding);
            continue;
        }
        if let Some(key) = key {
            by_component.insert(key, blocks.len());
        }
        blocks.push(Block {
            component,
            is_open,
            findings: vec![finding],
        });
    }
    for block in &mut blocks {
        block.findings.sort_by(|a, b| {
            let worst_first = b.severity.cmp(&a.severity);
            let by_score = || score(b).total_cmp(&score(a));
            worst_first
                .then_with(by_score)
                .then_with(|| ids(a).cmp(&ids(b)))
        });
    }
    blocks.sort_by_key(|block| (block.findings.iter().all(|f| !f.counts), block.is_open));
    blocks
}

fn score(finding: &Finding) -> f64 {
    let advisory = finding.advisory.as_ref();
    let cvss = advisory.and_then(|advisory| advisory.cvss.as_ref());
    cvss.map_or(0.0, |cvss| cvss.score)
}

/// The CVE and the advisory's own id, where that is another.
fn ids(finding: &Finding) -> (&str, &str) {
    let Some(advisory) = &finding.advisory else {
        return ("", "");
    };
    if advisory.id.starts_with("CVE-") {
        return (&advisory.id, "");
    }
    let cve = advisory.aliases.iter().find(|id| id.starts_with("CVE-"));
    (cve.map_or("", String::as_str), &advisory.id)
}

/// A finding about the artifact itself.
pub(super) fn write_structure(
    findings: &[&Finding],
    verbose: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    for finding in findings {
        write_label(finding.severity, out)?;
        writeln!(out, "{BOLD}{}{BOLD:#}", finding.title)?;
        writeln!(out, "{INDENT}{}", finding.remedy)?;
        write_block_locations(&finding.locations, verbose, out)?;
    }
    Ok(())
}

/// A component, what to do about it, and why.
fn write_component(
    component: &Component,
    findings: &[&Finding],
    verbose: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(worst) = findings.first() else {
        return Ok(());
    };
    write_label(worst.severity, out)?;
    writeln!(
        out,
        "{BOLD}{} {}{BOLD:#}  {DIM}{}{}{DIM:#}",
        component.name,
        version(component),
        component.ecosystem,
        match component.scope {
            Scope::Declared => ", only declared",
            Scope::Shipped => "",
        },
    )?;
    if !worst.counts {
        let why = "its code is not in the artifact, so that it does not fail the audit";
        writeln!(out, "{INDENT}{DIM}{why}{DIM:#}")?;
    }
    writeln!(out, "{INDENT}{}", advice(component, findings))?;
    write_findings(component, findings, verbose, out)?;
    write_block_locations(&component.locations, verbose, out)
}

fn write_label(severity: Severity, out: &mut dyn Write) -> io::Result<()> {
    let color = style(severity);
    let label = severity.as_str().to_uppercase();
    write!(out, "{color}{label:8}{color:#}  ")
}

/// A line for each component that may be affected or not.
fn write_open(blocks: &[Block], out: &mut dyn Write) -> io::Result<()> {
    let of_components = blocks
        .iter()
        .filter_map(|block| Some((block, block.component?)));
    let of_components: Vec<(&Block, &Component)> = of_components.collect();
    if of_components.is_empty() {
        return Ok(());
    }
    let color = AnsiColor::Yellow.on_default();
    writeln!(
        out,
        "{color}possibly affected, as the version is not known:{color:#} --lock with the lock file of the build tells it; \
         -v lists all"
    )?;
    let row = |(_, component): &(&Block, &Component)| {
        [
            component.ecosystem.as_str().to_owned(),
            component.name.clone(),
            version(component),
        ]
    };
    let rows: Vec<[String; 3]> = of_components.iter().map(row).collect();
    let [ecosystem, name, version] = widths(&rows);
    for (row, (block, component)) in rows.iter().zip(of_components) {
        let fixed = match &component.upgrade {
            Some(upgrade) if upgrade.fixes_all => format!("; fixed in {}", upgrade.version),
            _ => String::new(),
        };
        let before = format!(
            "  {:ecosystem$}  {BOLD}{:name$}{BOLD:#}  {:version$}  {}{fixed}  {DIM}in ",
            row[0],
            row[1],
            row[2],
            by_severity(&block.findings)
        );
        write_locations(&component.locations, false, &before, "", out)?;
    }
    writeln!(out)
}

/// What to do about a component.
fn advice(component: &Component, findings: &[&Finding]) -> String {
    if findings.iter().all(|finding| is_open(component, finding)) {
        let fixed = match &component.upgrade {
            Some(upgrade) if upgrade.fixes_all => {
                format!("; {BOLD}{}{BOLD:#} is not affected", upgrade.version)
            }
            _ => String::new(),
        };
        return format!(
            "its version is not known: --lock with the lock file of the build tells it{fixed}"
        );
    }
    if let Some(malware) = findings.iter().find(|f| f.kind == Kind::Malware) {
        return malware.remedy.clone();
    }
    let Some(upgrade) = &component.upgrade else {
        let them = if findings.len() == 1 { "it" } else { "them" };
        return format!("no version is known to fix {them}");
    };
    let what = match (upgrade.fixes_all, findings.len()) {
        // Some of its findings may stand among those that are possible.
        (true, _) if component.version.is_none() => "all".to_owned(),
        (false, _) if component.version.is_none() => "most".to_owned(),
        (true, 1) => "it".to_owned(),
        (true, 2) => "both".to_owned(),
        (true, n) => format!("all {n}"),
        (false, n) => format!("{} of {n}", upgrade.fixes),
    };
    format!(
        "upgrade to {BOLD}{}{BOLD:#}, which fixes {what}",
        upgrade.version
    )
}

/// A line for each finding, with its ids and the version that fixes it below one another.
fn write_findings(
    component: &Component,
    findings: &[&Finding],
    verbose: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let few = if verbose { usize::MAX } else { FEW_FINDINGS };
    let (shown, hidden) = findings.split_at(few.min(findings.len()));
    let rows: Vec<[String; 3]> = shown.iter().map(|finding| finding_row(finding)).collect();
    let widths = widths(&rows);
    for (finding, row) in shown.iter().zip(&rows) {
        let color = style(finding.severity);
        write!(out, "{INDENT}{color}{:8}{color:#}  ", finding.severity)?;
        for (text, width) in row.iter().zip(widths) {
            if width > 0 {
                write!(out, "{text:width$}  ")?;
            }
        }
        let title = title_beside(component, finding);
        let possible = match finding.certainty {
            Certainty::Possible => ", possibly affected",
            Certainty::Certain => "",
        };
        let source = finding.advisory.as_ref().map(|a| a.severity_source);
        let unrated = match source {
            Some(SeveritySource::Default) => ", severity not stated",
            _ => "",
        };
        let exploited = match finding.kev {
            Some(_) => ", known to be exploited",
            None => "",
        };
        let epss = finding
            .epss
            .map(|epss| format!(", EPSS {:.1} %", epss.score * 100.0));
        let epss = epss.unwrap_or_default();
        writeln!(
            out,
            "{title}{BOLD}{exploited}{BOLD:#}{DIM}{epss}{possible}{unrated}{DIM:#}"
        )?;
    }
    if !hidden.is_empty() {
        let more = hidden.len();
        let severities = by_severity(hidden);
        writeln!(
            out,
            "{INDENT}and {more} more: {severities}; -v lists them all"
        )?;
    }
    Ok(())
}

/// CVE, the advisory's own id, and what fixes it.
fn finding_row(finding: &Finding) -> [String; 3] {
    let (cve, id) = ids(finding);
    let fixed = match &finding.advisory {
        Some(advisory) if finding.kind == Kind::Vulnerability => match &advisory.fixed {
            Some(version) => format!("fixed in {version}"),
            None => "no fix known".to_owned(),
        },
        _ => String::new(),
    };
    [cve.to_owned(), id.to_owned(), fixed]
}

/// The title without the component, whose name stands above.
fn title_beside<'a>(component: &Component, finding: &'a Finding) -> &'a str {
    let title = finding.title.as_str();
    let before = title.strip_suffix(component.name.as_str());
    before
        .and_then(|text| text.strip_suffix(" in "))
        .unwrap_or(title)
}

fn write_block_locations(
    locations: &[Location],
    verbose: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let before = format!("{INDENT}{DIM}in ");
    let under = format!("{INDENT}{DIM}   ");
    write_locations(locations, verbose, &before, &under, out)
}

/// The first location and how many more there are, or all below one another. `before` and `under` start the lines
/// and leave them dim.
fn write_locations(
    locations: &[Location],
    verbose: bool,
    before: &str,
    under: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some((first, others)) = locations.split_first() else {
        return writeln!(out, "{before}{DIM:#}");
    };
    if !verbose {
        let more = match others.len() {
            0 => String::new(),
            n if first.vendored_in.is_some() => format!(", and {n} more"),
            n => format!(" and {n} more"),
        };
        return writeln!(out, "{before}{}{more}{DIM:#}", place(first, verbose));
    }
    writeln!(out, "{before}{}{DIM:#}", place(first, verbose))?;
    for location in others {
        writeln!(out, "{under}{}{DIM:#}", place(location, verbose))?;
    }
    Ok(())
}

fn place(location: &Location, verbose: bool) -> String {
    let path = shown_path(&location.path, verbose);
    let mut place = match location.line {
        Some(line) => format!("{path}:{line}"),
        None => path,
    };
    if let Some(holder) = &location.vendored_in {
        place.push_str(", vendored in ");
        place.push_str(holder);
    }
    place
}

fn shown_path(path: &EntryPath, verbose: bool) -> String {
    let path = path.to_string();
    if verbose { path } else { shortened(&path) }
}

/// The path with the digests in it, such as the names of an image's layers, to their first digits.
pub(super) fn shortened(path: &str) -> String {
    let short = |part: &str| {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        let (digest, rest) = part.split_at(digits);
        match digest.get(..SHORT_DIGEST) {
            Some(first) if digits == DIGEST => format!("{first}…{rest}"),
            _ => part.to_owned(),
        }
    };
    path.split('/').map(short).collect::<Vec<_>>().join("/")
}

pub(super) fn write_errors(report: &Report, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    if report.errors.is_empty() {
        return Ok(());
    }
    let color = AnsiColor::Yellow.on_default();
    writeln!(out, "{color}not audited or not in full:{color:#}")?;
    let shown = if verbose {
        report.errors.len()
    } else {
        FEW_ERRORS
    };
    for error in report.errors.iter().take(shown) {
        let path = shown_path(&error.path, verbose);
        let line = error
            .line
            .map(|line| format!(":{line}"))
            .unwrap_or_default();
        writeln!(out, "  {path}{line}: {}", error.message)?;
    }
    let more = report.errors.len().saturating_sub(shown);
    if more > 0 {
        writeln!(out, "  and {more} more; -v lists them all")?;
    }
    writeln!(out)
}

fn write_summary(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", components_line(report))?;
    let (shipped, declared): (Vec<&Finding>, Vec<&Finding>) =
        report.findings.iter().partition(|finding| finding.counts);
    let components = Components::of(report);
    let (open, counting): (Vec<&Finding>, Vec<&Finding>) = shipped
        .into_iter()
        .partition(|finding| components.is_open(finding));
    match counting.len() as u64 {
        0 if !open.is_empty() => writeln!(out, "{BOLD}No certain findings in what ships.{BOLD:#}")?,
        0 if declared.is_empty() => writeln!(out, "{BOLD}No findings.{BOLD:#}")?,
        0 => writeln!(out, "{BOLD}No findings in what ships.{BOLD:#}")?,
        n => {
            let findings = count(n, "finding");
            writeln!(out, "{BOLD}{findings}{BOLD:#}: {}", by_severity(&counting))?;
        }
    }
    if !open.is_empty() {
        writeln!(
            out,
            "{} in versions that are not known, not counted: {}",
            count(open.len() as u64, "possible finding"),
            by_severity(&open)
        )?;
    }
    if !declared.is_empty() {
        writeln!(
            out,
            "{} in what is only declared, not counted: {}",
            count(declared.len() as u64, "finding"),
            by_severity(&declared)
        )?;
    }
    if let Some(database) = &report.database {
        let kind = match database.kind {
            DatabaseKind::Starter => "starter set",
            DatabaseKind::Full => "database",
        };
        let age = match database.updated.as_deref() {
            Some(updated) => format!("as of {}", updated.get(..10).unwrap_or(updated)),
            None => "of unknown age".to_owned(),
        };
        writeln!(
            out,
            "{DIM}{kind} of {} advisories, {age}{DIM:#}",
            database.advisories
        )?;
    }
    Ok(())
}

/// `1 critical, 2 high`
fn by_severity(findings: &[&Finding]) -> String {
    let mut counts: BTreeMap<Severity, usize> = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.severity).or_default() += 1;
    }
    let worst_first = counts.iter().rev().map(|(&severity, n)| {
        let color = style(severity);
        format!("{color}{n} {severity}{color:#}")
    });
    worst_first.collect::<Vec<_>>().join(", ")
}

/// `7 components: 6 shipped, 1 only declared`
fn components_line(report: &Report) -> String {
    let total = report.packages.len();
    if total == 0 {
        return "no components".to_owned();
    }
    let number = |is: &dyn Fn(&Component) -> bool| report.packages.iter().filter(|c| is(c)).count();
    let shipped = number(&|c| c.scope == Scope::Shipped);
    let scopes = match (shipped, total - shipped) {
        (shipped, 0) => format!("{shipped} shipped"),
        (0, declared) => format!("{declared} only declared"),
        (shipped, declared) => format!("{shipped} shipped, {declared} only declared"),
    };
    let is_open = |c: &Component| c.version.is_none();
    let open = match number(&is_open) {
        0 => String::new(),
        n => format!("; {n} without an exact version"),
    };
    let unmatched = number(&|c| is_open(c) && c.scope == Scope::Declared);
    let unmatched = match (unmatched, number(&is_open)) {
        _ if report.database.is_none() => String::new(),
        (0, _) => String::new(),
        (some, all) if some < all => format!(", {some} of them not matched with advisories"),
        _ => ", so not matched with advisories".to_owned(),
    };
    format!(
        "{}: {scopes}{open}{unmatched}",
        count(total as u64, "component")
    )
}

pub(super) fn count(n: u64, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {what}{s}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::component::{Ecosystem, Evidence, Upgrade, purl};
    use crate::finding::AdvisoryFacts;
    use crate::report::{SCHEMA_VERSION, Summary, Tool};

    #[test]
    fn digests_in_paths_are_shortened() {
        let digest = "0123456789abcdef".repeat(4);
        for (path, short) in [
            (
                format!("image.tar!/{digest}/layer.tar!/a/b"),
                "image.tar!/0123456789ab…/layer.tar!/a/b",
            ),
            (
                format!("i.tar!/blobs/sha256/{digest}!/a"),
                "i.tar!/blobs/sha256/0123456789ab…!/a",
            ),
            (format!("{digest}.json"), "0123456789ab….json"),
            (format!("{digest}0/a"), &format!("{digest}0/a")),
            ("é/deadbeef".to_owned(), "é/deadbeef"),
        ] {
            assert_eq!(shortened(&path), short);
        }
    }

    fn component(name: &str, range: Option<&str>, upgrade: Option<&str>) -> Component {
        Component {
            ecosystem: Ecosystem::Npm,
            name: name.to_owned(),
            version: None,
            version_range: range.map(str::to_owned),
            purl: purl(Ecosystem::Npm, name, None),
            scope: Scope::Shipped,
            evidence: Evidence::Fingerprint,
            locations: vec![EntryPath::new(&Arc::from("fn.zip!/"), "index.js").into()],
            size_bytes: None,
            upgrade: upgrade.map(|version| Upgrade {
                version: version.to_owned(),
                fixes: 2,
                fixes_all: true,
            }),
        }
    }

    fn finding(
        component: &Component,
        id: &str,
        severity: Severity,
        certainty: Certainty,
    ) -> Finding {
        Finding {
            id: String::new(),
            kind: Kind::Vulnerability,
            rule: "FA-VULNERABILITY".into(),
            severity,
            title: format!("Prototype pollution in {}", component.name),
            package: Some(component.purl.clone()),
            advisory: Some(AdvisoryFacts {
                id: id.to_owned(),
                aliases: Vec::new(),
                fixed: Some("2.0.0".to_owned()),
                cvss: None,
                severity_source: SeveritySource::Database,
                cwes: Vec::new(),
                url: String::new(),
            }),
            kev: None,
            epss: None,
            certainty,
            counts: true,
            locations: component.locations.clone(),
            remedy: String::new(),
            sas: "SAS-6",
            fingerprint: id.to_owned(),
            suppressed: None,
        }
    }

    fn shown(packages: Vec<Component>, findings: Vec<Finding>, verbose: bool) -> String {
        let mut report = Report {
            schema_version: SCHEMA_VERSION,
            tool: Tool::THIS,
            database: None,
            artifacts: Vec::new(),
            packages,
            sizes: Vec::new(),
            findings,
            errors: Vec::new(),
            summary: Summary::default(),
        };
        report.finish();
        let mut out = Vec::new();
        write(&report, verbose, &mut anstream::StripStream::new(&mut out)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_only_the_version_could_tell_is_a_line_for_each_package() {
        let a = component("a", Some("^1.2.0"), Some("2.0.0"));
        let b = component("left-pad", None, None);
        let findings = || {
            vec![
                finding(&a, "X-1", Severity::High, Certainty::Possible),
                finding(&a, "X-2", Severity::Low, Certainty::Possible),
                finding(&a, "X-3", Severity::Medium, Certainty::Certain),
                finding(&b, "X-4", Severity::Critical, Certainty::Possible),
            ]
        };
        assert_eq!(
            shown(vec![a.clone(), b.clone()], findings(), false),
            "\n\
             MEDIUM    a (^1.2.0)  npm\n\
             \x20         upgrade to 2.0.0, which fixes all\n\
             \x20         medium    X-3  fixed in 2.0.0  Prototype pollution\n\
             \x20         in fn.zip!/index.js\n\
             \n\
             possibly affected, as the version is not known: --lock with the lock file of the build tells it; -v lists all\n\
             \x20 npm  left-pad  (unknown)  1 critical  in fn.zip!/index.js\n\
             \x20 npm  a         (^1.2.0)   1 high, 1 low; fixed in 2.0.0  in fn.zip!/index.js\n\
             \n\
             2 components: 2 shipped; 2 without an exact version\n\
             1 finding: 1 medium\n\
             3 possible findings in versions that are not known, not counted: 1 critical, 1 high, 1 low\n"
        );
        let verbose = shown(vec![a.clone(), b.clone()], findings(), true);
        assert!(!verbose.contains("-v lists all"), "{verbose}");
        let block = "HIGH      a (^1.2.0)  npm\n          its version is not known: --lock with the lock file of the build \
                     tells it; 2.0.0 is not affected\n          high      X-1  fixed in 2.0.0  Prototype pollution, \
                     possibly affected\n          low       X-2";
        assert!(verbose.contains(block), "{verbose}");
        let none = shown(vec![b.clone()], findings().split_off(3), false);
        assert!(
            none.contains("\nNo certain findings in what ships.\n1 possible finding in"),
            "{none}"
        );
    }
}
