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

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

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
    for block in blocks(report) {
        match block.component {
            Some(component) => write_component(component, &block.findings, verbose, out)?,
            None => write_structure(&block.findings, verbose, out)?,
        }
        writeln!(out)?;
    }
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

/// Ecosystem, name, version and evidence. What is no exact version stands in parentheses.
fn inventory_row(component: &Component) -> [String; 4] {
    let version = match (&component.version, &component.version_range) {
        (Some(version), _) => version.clone(),
        (None, Some(range)) => format!("({range})"),
        (None, None) => "(unknown)".to_owned(),
    };
    [
        component.ecosystem.as_str().to_owned(),
        component.name.clone(),
        version,
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

fn write_artifact(artifact: &Artifact, out: &mut dyn Write) -> io::Result<()> {
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
    findings: Vec<&'a Finding>,
}

/// Groups the findings, the worst first. What cannot fail the audit comes last, however bad it is.
fn blocks(report: &Report) -> Vec<Block<'_>> {
    let components: HashMap<(&str, Option<&Location>), &Component> = report
        .packages
        .iter()
        .map(|c| ((c.purl.as_str(), c.locations.first()), c))
        .collect();
    let mut blocks: Vec<Block> = Vec::new();
    let mut by_component: HashMap<*const Component, usize> = HashMap::new();
    for finding in &report.findings {
        let key = finding
            .package
            .as_deref()
            .map(|purl| (purl, finding.locations.first()));
        let component = key.and_then(|key| components.get(&key).copied());
        let known = component.and_then(|c| by_component.get(&std::ptr::from_ref(c)));
        if let Some(&index) = known {
            blocks[index].findings.push(finding);
            continue;
        }
        if let Some(component) = component {
            by_component.insert(std::ptr::from_ref(component), blocks.len());
        }
        blocks.push(Block {
            component,
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
    blocks.sort_by_key(|block| block.findings.iter().all(|finding| !finding.counts));
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
fn write_structure(findings: &[&Finding], verbose: bool, out: &mut dyn Write) -> io::Result<()> {
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
        component.version.as_deref().unwrap_or("?"),
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

/// What to do about a component.
fn advice(component: &Component, findings: &[&Finding]) -> String {
    if let Some(malware) = findings.iter().find(|f| f.kind == Kind::Malware) {
        return malware.remedy.clone();
    }
    let Some(upgrade) = &component.upgrade else {
        let them = if findings.len() == 1 { "it" } else { "them" };
        return format!("no version is known to fix {them}");
    };
    let what = match (upgrade.fixes_all, findings.len()) {
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
    match location.line {
        Some(line) => format!("{path}:{line}"),
        None => path,
    }
}

fn shown_path(path: &EntryPath, verbose: bool) -> String {
    let path = path.to_string();
    if verbose { path } else { shortened(&path) }
}

/// The path with the digests in it, such as the names of an image's layers, to their first digits.
fn shortened(path: &str) -> String {
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

fn write_errors(report: &Report, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
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
    let (counting, declared): (Vec<&Finding>, Vec<&Finding>) =
        report.findings.iter().partition(|finding| finding.counts);
    match counting.len() as u64 {
        0 if declared.is_empty() => writeln!(out, "{BOLD}No findings.{BOLD:#}")?,
        0 => writeln!(out, "{BOLD}No findings in what ships.{BOLD:#}")?,
        n => {
            let findings = count(n, "finding");
            writeln!(out, "{BOLD}{findings}{BOLD:#}: {}", by_severity(&counting))?;
        }
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
    let open = match number(&|c| c.version.is_none()) {
        0 => String::new(),
        n if report.database.is_none() => format!("; {n} without an exact version"),
        n => format!("; {n} without an exact version, so not matched with advisories"),
    };
    format!("{}: {scopes}{open}", count(total as u64, "component"))
}

fn count(n: u64, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {what}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
