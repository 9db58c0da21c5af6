//! Every record of a real OSV export, evaluated here and by an independent program.
//!
//! Set `FNAUDIT_SHARED` to a folder that has the export in `osv/` and the program in `corpus/oracle.py`
//! (it needs Python and its `packaging` module). Without it the test says that it is skipped.
//! It takes minutes, most of them the oracle's: use `--release`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use fnaudit::advisory::database::Database;
use fnaudit::advisory::import::import;
use fnaudit::advisory::matching::match_component;
use fnaudit::advisory::range::{self, PackageVersion};
use fnaudit::component::Ecosystem;
use fnaudit::finding::Certainty;

/// Asks the oracle about every version that a package's records mention, and some beside them.
///
/// Prints `ecosystem name version id,id,...` with tabs between. A record is left out where an event that
/// cannot be read leaves it undecided.
const ASK: &str = r#"
import functools, sys
sys.path.insert(0, sys.argv[1] + "/corpus")
import oracle
oracle.Version = functools.lru_cache(None)(oracle.Version)
oracle.SemVer = functools.lru_cache(None)(oracle.SemVer)

def readable(eco, version):
    try:
        oracle.parse(eco, version)
        return True
    except ValueError:
        return False


def is_about_every_version(record, eco, name):
    return any(r["type"] in ("SEMVER", "ECOSYSTEM") and r["events"] == [{"introduced": "0"}]
               for a in record["affected"] if oracle.norm(eco, a["package"]["name"]) == name
               for r in a.get("ranges") or [])


# Here the project goes further than the oracle: see src/advisory/range.rs.
def affects(record, eco, name, version):
    release = version.partition("+")[0] if eco == "PyPI" else version
    return (oracle.affects(record, eco, name, version) or oracle.affects(record, eco, name, release)
            or not readable(eco, version) and is_about_every_version(record, eco, name))


near = {"PyPI": [".dev1", "rc1", ".post1", "+local", ".1"]}
for (eco, name), records in sorted(oracle.load(sys.argv[1] + "/osv").items()):
    versions = set()
    for record in records:
        for affected in record["affected"]:
            if oracle.norm(eco, affected["package"]["name"]) == name:
                versions.update(affected.get("versions") or [])
                for r in affected.get("ranges") or []:
                    if r["type"] != "GIT":
                        versions.update(v for event in r["events"] for v in event.values())
    for version in sorted(versions):
        for asked in [version] + [version + n for n in near.get(eco, ["-rc.1", "-0", "+build"])]:
            ids = []
            for r in records:
                try:
                    ids += [r["id"]] if affects(r, eco, name, asked) else []
                except ValueError:
                    pass
            print(eco, name, asked, ",".join(sorted(ids)), sep="\t")
"#;

#[test]
fn agrees_with_an_independent_evaluation() {
    let Some(shared) = std::env::var_os("FNAUDIT_SHARED").map(PathBuf::from) else {
        eprintln!("skipped: FNAUDIT_SHARED is not set");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let summary = import(
        &shared.join("osv"),
        "osv",
        dir.path(),
        &mut || {},
        &mut |_| {},
    )
    .unwrap();
    assert_eq!(
        summary.counts.unreadable, 0,
        "{:?}",
        summary.counts.unreadable_shown
    );
    let database = Database::open(dir.path()).unwrap().unwrap();

    let python = Command::new("python3")
        .args(["-c", ASK])
        .arg(&shared)
        .output()
        .unwrap();
    assert!(
        python.status.success(),
        "{}",
        String::from_utf8_lossy(&python.stderr)
    );
    let answers = String::from_utf8(python.stdout).unwrap();
    let mut asked = 0;
    let mut differences = Vec::new();
    for line in answers.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [ecosystem, name, version, ids] = fields[..] else {
            panic!("{line}");
        };
        let ecosystem = Ecosystem::from_osv(ecosystem).unwrap();
        let ids = ids.split(',').filter(|id| !id.is_empty());
        let expected: BTreeSet<String> = ids.map(str::to_owned).collect();
        let found = affecting(&database, ecosystem, name, version);
        asked += 1;
        if found != expected {
            differences.push(format!("{line} but here {found:?}"));
        }
        let matched: BTreeSet<String> = match_component(&database, ecosystem, name, version)
            .unwrap()
            .findings
            .into_iter()
            .flat_map(|finding| finding.aliases.into_iter().chain([finding.id]))
            .collect();
        assert!(matched.is_superset(&found), "{line}");
    }
    eprintln!("{asked} versions, {} differences", differences.len());
    assert!(asked > 10_000);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The ids of the records that certainly affect the version.
fn affecting(
    database: &Database,
    ecosystem: Ecosystem,
    name: &str,
    version: &str,
) -> BTreeSet<String> {
    let version = PackageVersion::new(ecosystem, version);
    let encoded = database.advisories(ecosystem, name).unwrap();
    let advisories = database.decode(&encoded).unwrap();
    let affecting = advisories.iter().filter(|advisory| {
        let mut affected = advisory.affected.iter();
        affected.any(|affected| range::affects(affected, &version) == Some(Certainty::Certain))
    });
    affecting.map(|advisory| advisory.id.to_owned()).collect()
}
