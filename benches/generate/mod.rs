//! Writes an advisory export of any size, laid out like [OSV's bucket](https://google.github.io/osv.dev/data/):
//! made-up npm malware records, and the real records of an export where one is given.
//!
//! The records have the shape of those that the [malicious-packages repository](https://github.com/ossf/malicious-packages)
//! publishes in the [OSV schema](https://ossf.github.io/osv-schema/), as OSV serves them: compact JSON, with a
//! package URL and a link to the source. Names, prose, links and digests are invented. What is modelled, and why:
//!
//! - **Kinds** ([`KINDS`]), in shares that are estimates, from the numbering of the repository and the records
//!   that we looked at: one flood of machine-made packages took most of the numbers of 2025. *Flood* (60 %) is
//!   the same paragraph for every package, and all versions affected; *notice* (24 %) a standard warning with a
//!   `GHSA` alias, a weakness and a link; *sandbox* (9 %) a few sentences, one to three versions, no alias;
//!   *joint* (4 %) two or three sources with a paragraph and an origin each, and links; *report* (3 %) free
//!   prose with the digests of files.
//! - **Sizes** follow from that: 1.2 to 3.3 kB, 1.65 kB in the middle. Most of a record is prose that repeats
//!   from record to record, and much of the rest digests that no compressor can shorten. Both matter to a
//!   store: the prose favours records that are compressed together.
//! - **Versions**: about one record in six lists versions, the others affect all of them from 0.
//! - **Aliases**: about 28 % have one, the notices and the joint reports.
//! - **Names**: mostly machine-made, out of words or letters; scopes, as in dependency confusion; a letter
//!   off another name, as in typosquats; whole titles, as in spam. Each has one record, as is usual.
//!
//! The same arguments give the same bytes. Entries are deflated at level 6, which Python's zipfile uses too.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use fastrand::Rng;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// Days of 2023 to 2025 over which the made-up records are spread.
const DAYS: u64 = 3 * 365;

/// What an export holds of made-up records.
pub struct Made {
    /// The affected packages, one for each record.
    pub names: Vec<String>,
    /// The size of the records before compression.
    pub bytes: u64,
}

/// The npm packages that an export has records about.
pub fn npm_packages(export: &Path) -> io::Result<Vec<String>> {
    let mut archive = ZipArchive::new(File::open(export.join("npm/all.zip"))?)?;
    let mut names = BTreeSet::new();
    for index in 0..archive.len() {
        let record: Value = serde_json::from_reader(archive.by_index(index)?)?;
        let affected = record["affected"].as_array().into_iter().flatten();
        let packages = affected.map(|affected| &affected["package"]);
        let npm = packages.filter(|package| package["ecosystem"] == "npm");
        names.extend(npm.filter_map(|package| package["name"].as_str().map(str::to_owned)));
    }
    Ok(names.into_iter().collect())
}

/// Writes an export into `dir`: `records` made-up ones under npm, and those of the export in `real`.
pub fn write_export(dir: &Path, records: usize, real: Option<&Path>) -> io::Result<Made> {
    fs::create_dir_all(dir.join("npm"))?;
    let mut zip = ZipWriter::new(BufWriter::new(File::create(dir.join("npm/all.zip"))?));
    let options = SimpleFileOptions::default().compression_level(Some(6));
    let mut made = Made {
        names: Vec::with_capacity(records),
        bytes: 0,
    };
    let mut times = Vec::with_capacity(records);
    let mut maker = Maker::new();
    for number in 0..records {
        let record = maker.record(number, records);
        let text = record.json.to_string();
        zip.start_file(format!("{}.json", record.id), options)?;
        zip.write_all(text.as_bytes())?;
        made.bytes += text.len() as u64;
        made.names.push(record.name);
        times.push(format!("{},{}", record.modified, record.id));
    }
    let mut ecosystems = vec!["npm".to_owned()];
    if let Some(real) = real {
        let mut archive = ZipArchive::new(File::open(real.join("npm/all.zip"))?)?;
        for index in 0..archive.len() {
            zip.raw_copy_file(archive.by_index_raw(index)?)?;
        }
        let listed = fs::read_to_string(real.join("npm/modified_id.csv"))?;
        times.extend(listed.lines().map(str::to_owned));
        for ecosystem in fs::read_to_string(real.join("ecosystems.txt"))?.lines() {
            if ecosystem != "npm" {
                copy_ecosystem(&real.join(ecosystem), &dir.join(ecosystem))?;
                ecosystems.push(ecosystem.to_owned());
            }
        }
    }
    zip.finish()?.flush()?;
    times.sort_unstable_by(|a, b| b.cmp(a));
    fs::write(dir.join("npm/modified_id.csv"), times.join("\n") + "\n")?;
    ecosystems.sort_unstable();
    fs::write(dir.join("ecosystems.txt"), ecosystems.join("\n") + "\n")?;
    Ok(made)
}

fn copy_ecosystem(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for file in ["all.zip", "modified_id.csv"] {
        // Read and written, not copied: a copy of a read-only file could not be replaced by the next run.
        fs::write(to.join(file), fs::read(from.join(file))?)?;
    }
    Ok(())
}

/// One source's part of a record.
struct Source {
    name: &'static str,
    prose: &'static [&'static str],
    credit: Option<&'static str>,
    id_prefix: Option<&'static str>,
}

const FLOOD: Source = Source {
    name: "bulk-publish-watch",
    prose: &[
        "The package belongs to a flood of packages that a script made and published to collect rewards for \
         activity. Such a package carries the publishing script itself (publish-all.js, again.js), a manifest \
         without a private flag, a name put together from a list of foreign words and a version number drawn \
         at random. Whoever runs the script publishes further packages of the same kind from the account at \
         hand, so that the index grows by thousands of entries which nobody can use. Nothing in the package \
         does what its description promises; remove it, and look for packages that your account published \
         without you.",
    ],
    credit: Some("Bulk Publish Watch"),
    id_prefix: None,
};
const NOTICE: Source = Source {
    name: "registry-notice",
    prose: &[
        "Treat every machine on which this package was installed or ran as lost to an attacker. Replace all keys, \
         tokens and passwords that the machine could read, and do so from another machine. Uninstalling the \
         package is needed but not enough: what it started may have left other programs behind, and nobody \
         can say which. Set the machine up anew where that is possible.",
    ],
    credit: None,
    id_prefix: Some("GHSA"),
};
const SANDBOX: Source = Source {
    name: "install-sandbox",
    prose: &[
        "An automatic run of the package's install scripts in a closed environment was judged harmful.\n\nReasons:\n\n\
         - It opened a connection to a host that is known for collecting stolen data.\n",
        "An automatic run of the package's install scripts in a closed environment was judged harmful.\n\nReasons:\n\n\
         - It ran a command that sends names of users, hosts and folders to a stranger.\n\
         - It opened a connection to a host that is known for collecting stolen data.\n",
    ],
    credit: Some("Install Sandbox"),
    id_prefix: None,
};
const LAB: Source = Source {
    name: "package-lab",
    prose: &[
        "The release came from a maintainer's account that was taken over. Its payload looks for tokens in the \
         environment and in files, sends them away, and publishes itself in other packages of the same owner.",
        "A script at installation fetches a second stage and runs it; the second stage searches for wallets and \
         browser profiles, packs what it finds and uploads it in pieces.",
    ],
    credit: Some("Package Lab"),
    id_prefix: Some("PL"),
};
const REPORT: Source = Source {
    name: "code-review-desk",
    prose: &[],
    credit: Some("Code Review Desk"),
    id_prefix: Some("CR-MAL"),
};

/// Sentences of a free report; `{}` is a made-up word.
const SENTENCES: [&str; 14] = [
    "The entry point {}.js decodes a long string and hands it to the interpreter.",
    "Nothing that the README of {} describes is in the code.",
    "A script named {} runs at installation and asks a server for its next step.",
    "The server's answer is written to a hidden file called .{} and started without a window.",
    "Variables of the environment whose names hold {} or token are put into a request.",
    "Its author published {} other packages on the same day, all with one version.",
    "The code waits until the machine has been idle, and looks for debuggers such as {} first.",
    "A list of addresses under {} replaces those that a user copies for a payment.",
    "Dependencies are pinned to the newest release of {} and forty similar names, none of which does anything.",
    "The manifest gives {} as its repository, where no such code was ever kept.",
    "On failure it falls back to names looked up under {}, which gets through most firewalls.",
    "Folder names and the list of processes are packed as {} and sent off at each start.",
    "We found no use for which somebody would install {} on purpose.",
    "Parts of the text suggest that {} was made by the authors of an earlier campaign.",
];

/// The kinds of records, each with its share in a hundred.
const KINDS: [(u64, Kind); 5] = [
    (60, Kind::Flood),
    (24, Kind::Notice),
    (9, Kind::Sandbox),
    (4, Kind::Joint),
    (3, Kind::Report),
];

#[derive(Clone, Copy)]
enum Kind {
    Flood,
    Notice,
    Sandbox,
    Joint,
    Report,
}

impl Kind {
    fn sources(self) -> &'static [Source] {
        match self {
            Kind::Flood => &[FLOOD],
            Kind::Notice => &[NOTICE],
            Kind::Sandbox => &[SANDBOX],
            Kind::Joint => &[NOTICE, LAB, SANDBOX],
            Kind::Report => &[REPORT],
        }
    }

    fn lists_versions(self) -> bool {
        !matches!(self, Kind::Flood | Kind::Notice)
    }
}

struct Record {
    id: String,
    name: String,
    modified: String,
    json: Value,
}

struct Maker {
    random: Random,
    words: Vec<String>,
    taken: HashSet<String>,
}

impl Maker {
    fn new() -> Self {
        let mut random = Random(Rng::with_seed(0x0006_66EE_D0FF_1CE5));
        let words = (0..600).map(|_| random.word()).collect();
        Self {
            random,
            words,
            taken: HashSet::new(),
        }
    }

    /// The record of this number; numbers and times rise together, as they do in the repository.
    fn record(&mut self, number: usize, records: usize) -> Record {
        let kind = self.random.weighted(&KINDS);
        let name = self.fresh_name();
        let day = number as u64 * DAYS / records as u64;
        let year = 2023 + day / 365;
        let id = format!("MAL-{year}-{}", number + 1);
        let published = self.time(day, "Z");
        let delay = self.random.below(3);
        let modified = self.time(day + delay, "Z");

        let mut sources = kind.sources();
        if matches!(kind, Kind::Joint) && self.random.below(3) > 0 {
            sources = &sources[..2];
        }
        let versions = self.versions(kind);
        let mut details = "\n---\n_-= By source. Edit above this line. =-_\n".to_owned();
        let (mut origins, mut aliases, mut credits) = (Vec::new(), Vec::new(), Vec::new());
        let mut references = Vec::new();
        for source in sources {
            let digest = self.random.hex(64);
            let prose = match source.prose {
                [] => self.report(),
                given => (*self.random.pick(given)).to_owned(),
            };
            let _ = write!(
                details,
                "\n## Source: {} ({digest})\n{prose}\n",
                source.name
            );
            let fraction = format!(".{:09}Z", self.random.below(1_000_000_000));
            let mut origin = json!({
                "source": source.name,
                "sha256": digest,
                "modified_time": modified,
                "import_time": self.time(day + 3, &fraction),
            });
            add_versions(&mut origin, &versions);
            if let Some(prefix) = source.id_prefix {
                let foreign = match prefix {
                    "GHSA" => self.random.ghsa(),
                    _ => format!("{prefix}-{year}-{:06}", self.random.below(1_000_000)),
                };
                if prefix == "GHSA" {
                    references.push(json!({"type": "ADVISORY", "url": format!("https://notices.example/advisories/{foreign}")}));
                    aliases.push(foreign.clone());
                }
                origin["id"] = foreign.into();
            }
            if let Some(credit) = source.credit {
                credits.push(json!({"name": credit, "type": "FINDER", "contact": [format!("https://{}.example", source.name)]}));
            }
            origins.push(origin);
        }
        if let Some(version) = versions.first() {
            references.push(json!({"type": "PACKAGE", "url": format!("https://packages.example/package/{name}/v/{version}")}));
        }
        if matches!(kind, Kind::Joint) {
            for _ in 0..=self.random.below(3) {
                let url = format!("https://{}.example/blog/{}", self.word(), self.title(6));
                references.push(json!({"type": "WEB", "url": url}));
            }
        }

        let mut affected = json!({
            "package": {"ecosystem": "npm", "name": name, "purl": format!("pkg:npm/{}", name.replace('@', "%40"))},
            "database_specific": {
                "source": format!("https://malware.example/reports/blob/main/osv/malicious/npm/{name}/{id}.json"),
            },
        });
        add_versions(&mut affected, &versions);
        if !matches!(kind, Kind::Flood | Kind::Sandbox) {
            affected["database_specific"]["cwes"] = json!([{
                "cweId": "CWE-506",
                "name": "Embedded Malicious Code",
                "description": "Code in the product serves somebody else, and does harm.",
            }]);
        }
        if matches!(kind, Kind::Report) {
            affected["database_specific"]["indicators"] = self.indicators(&name);
        }
        let mut json = json!({
            "schema_version": "1.7.4",
            "id": id,
            "modified": modified,
            "published": published,
            "summary": format!("Malicious code in {name} (npm)"),
            "details": details,
            "affected": [affected],
            "database_specific": {"malicious-packages-origins": origins},
        });
        for (key, rows) in [("references", references), ("credits", credits)] {
            if !rows.is_empty() {
                json[key] = rows.into();
            }
        }
        if !aliases.is_empty() {
            json["aliases"] = aliases.into();
        }
        Record {
            id,
            name,
            modified,
            json,
        }
    }

    fn versions(&mut self, kind: Kind) -> Vec<String> {
        if !kind.lists_versions() {
            return Vec::new();
        }
        let major = *self.random.pick(&[0, 1, 1, 1, 2, 9, 99, 999]);
        let minor = self.random.below(10);
        let patch = self.random.below(10);
        let count = *self.random.pick(&[1, 1, 1, 1, 2, 3]);
        (0..count)
            .map(|step| format!("{major}.{minor}.{}", patch + step))
            .collect()
    }

    fn report(&mut self) -> String {
        let mut prose = String::new();
        for _ in 0..5 + self.random.below(7) {
            let sentence = self.random.pick(&SENTENCES).replace("{}", &self.word());
            prose.push_str(&sentence);
            prose.push(' ');
        }
        prose
    }

    fn indicators(&mut self, name: &str) -> Value {
        let files: Vec<Value> = ["package.json", "index.js"]
            .iter()
            .map(|path| json!({"path": path, "sha256": self.random.hex(64), "tlsh": self.random.hex(70)}))
            .collect();
        json!({
            "evidence_files": files,
            "package_integrity": [{
                "filename": format!("{}-1.0.0.tgz", name.replace(['@', '/'], "")),
                "hashes": {"sha1": self.random.hex(40), "sha256": self.random.hex(64)},
            }],
        })
    }

    fn time(&mut self, day: u64, end: &str) -> String {
        // Months of 30 days and a longer last one: valid dates in the right order are enough.
        let (year, day) = (2023 + day / 365, day % 365);
        let month = (day / 30).min(11);
        let second = self.random.below(86_400);
        format!(
            "{year}-{:02}-{:02}T{:02}:{:02}:{:02}{end}",
            month + 1,
            // February has 28 days, and five days are left over in December.
            (day - month * 30).min(if month == 1 { 27 } else { 30 }) + 1,
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }

    fn word(&mut self) -> String {
        self.random.pick(&self.words).clone()
    }

    fn title(&mut self, words: usize) -> String {
        let words: Vec<String> = (0..words).map(|_| self.word()).collect();
        words.join("-")
    }

    fn fresh_name(&mut self) -> String {
        loop {
            let name = self.name();
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }

    fn name(&mut self) -> String {
        match self.random.below(100) {
            0..45 => format!("{}-{}", self.title(2), self.random.letters(4)),
            45..60 => format!("{}{}", self.title(2), self.random.below(100_000)),
            60..75 => format!("@{}/{}", self.title(2), self.title(2)),
            75..87 => self.typo(),
            87..97 => {
                let len = 6 + self.random.below(9);
                self.random.letters(len)
            }
            _ => self.title(9),
        }
    }

    /// A name that is a letter off another.
    fn typo(&mut self) -> String {
        let mut letters: Vec<char> = self.title(2).chars().collect();
        let at = 1 + self.random.below(letters.len() as u64 - 2) as usize;
        match self.random.below(4) {
            0 => drop(letters.remove(at)),
            1 => letters.insert(at, letters[at]),
            2 => letters.swap(at, at + 1),
            _ => letters[at] = *self.random.pick(&['a', 'e', 'i', 'l', '1', '0', 's', 'z']),
        }
        letters.into_iter().collect()
    }
}

/// The versions where some are listed, and else the range of all of them.
fn add_versions(to: &mut Value, versions: &[String]) {
    if versions.is_empty() {
        to["ranges"] = json!([{"type": "SEMVER", "events": [{"introduced": "0"}]}]);
    } else {
        to["versions"] = versions.into();
    }
}

/// So that every run makes the same export.
struct Random(Rng);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0.u64(..limit)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }

    fn weighted(&mut self, from: &[(u64, Kind)]) -> Kind {
        let mut rest = self.below(from.iter().map(|(share, _)| share).sum());
        for (share, kind) in from {
            if rest < *share {
                return *kind;
            }
            rest -= share;
        }
        unreachable!("the draw is below the sum of the shares")
    }

    fn text(&mut self, alphabet: &[u8], len: u64) -> String {
        (0..len).map(|_| char::from(*self.pick(alphabet))).collect()
    }

    fn hex(&mut self, len: u64) -> String {
        self.text(b"0123456789abcdef", len)
    }

    fn letters(&mut self, len: u64) -> String {
        self.text(b"abcdefghijklmnopqrstuvwxyz0123456789", len)
    }

    fn ghsa(&mut self) -> String {
        let mut group = || self.text(b"23456789cfghjmpqrvwx", 4);
        format!("GHSA-{}-{}-{}", group(), group(), group())
    }

    /// Two or three syllables.
    fn word(&mut self) -> String {
        const STARTS: [&str; 16] = [
            "b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "tr", "st",
        ];
        const ENDS: [&str; 12] = [
            "a", "e", "i", "o", "u", "an", "er", "in", "ol", "un", "as", "ek",
        ];
        (0..2 + self.below(2))
            .flat_map(|_| [*self.pick(&STARTS), *self.pick(&ENDS)])
            .collect()
    }
}
