//! How many tokens are found: some of every form of every rule, in twelve kinds of file.

use std::collections::BTreeMap;
use std::fmt::Write;

use data_encoding::BASE64;
use regex::bytes::RegexBuilder;

use super::spec::RuleSpec;
use super::templates::{Random, expand};
use super::tests::specs;
use super::{Scanner, UserRules};
use crate::finding::EntryPath;

/// Tokens of each template.
const TOKENS: usize = 2;

/// What a file holds in which `name` has the value `token`.
type Context = fn(name: &str, token: &str) -> String;

const CONTEXTS: [(&str, &str, Context); 12] = [
    ("env", ".env", |name, token| {
        format!(
            "# settings\nDEBUG=true\n{name}={}\nPORT=8080\n",
            one_line(token)
        )
    }),
    ("json", "config.json", |name, token| {
        format!(
            "{{\n  \"debug\": true,\n  {name:?}: \"{}\",\n  \"port\": 8080\n}}\n",
            json(token)
        )
    }),
    ("yaml", "values.yaml", |name, token| {
        format!(
            "service:\n  port: 8080\n  {name}: \"{}\"\n  replicas: 2\n",
            json(token)
        )
    }),
    ("xml", "settings.xml", |name, token| {
        let token = token.replace('&', "&amp;").replace('<', "&lt;");
        format!("<settings>\n  <port>8080</port>\n  <{name}>{token}</{name}>\n</settings>\n")
    }),
    ("properties", "application.properties", |name, token| {
        format!(
            "server.port=8080\n{name}={}\nlogging.level=info\n",
            one_line(token)
        )
    }),
    ("javascript", "src/config.js", |name, token| {
        format!(
            "const port = 8080;\nconst {} = \"{}\";\nmodule.exports = {{ port }};\n",
            word(name),
            json(token)
        )
    }),
    ("python", "app/settings.py", |name, token| {
        let quote = if token.contains('\'') { '"' } else { '\'' };
        format!(
            "import os\nPORT = 8080\n{} = {quote}{}{quote}\n",
            word(name),
            one_line(token)
        )
    }),
    ("minified", "dist/index.js", |name, token| {
        format!(
            "!function(e,t){{var n={{port:8080,{}:\"{}\",debug:!1}};e.exports=n,t(n.port)}}(module,console.log);",
            word(name),
            json(token)
        )
    }),
    ("dockerfile", "Dockerfile", |name, token| {
        format!(
            "FROM scratch\nENV {name}=\"{}\"\nCMD [\"app\"]\n",
            json(token)
        )
    }),
    ("url", "notes.txt", |name, token| {
        format!(
            "GET https://api.service.test/v1/items?limit=10&{name}={}&page=2\n",
            percent(token)
        )
    }),
    ("log", "app.log", |name, token| {
        format!(
            "2024-05-01T12:00:00Z INFO starting with {name}={} on port 8080\n",
            one_line(token)
        )
    }),
    ("base64", "k8s/secret.yaml", |name, token| {
        let encoded = BASE64.encode(format!("{name}={token}\n").as_bytes());
        format!("apiVersion: v1\nkind: Secret\ndata:\n  settings: {encoded}\n")
    }),
];

fn one_line(token: &str) -> String {
    token.replace('\n', "\\n")
}

fn json(token: &str) -> String {
    token
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// A name that a programming language takes.
fn word(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

fn percent(token: &str) -> String {
    let mut out = String::new();
    for byte in token.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The token, or the statement that it is only recognised in, such as a header or a command line.
fn statement(rule: &RuleSpec, token: &str, random: &mut Random) -> String {
    let alone = match &rule.pattern {
        Some(pattern) => RegexBuilder::new(pattern)
            .unicode(false)
            .build()
            .unwrap()
            .is_match(token.as_bytes()),
        None => true,
    };
    if alone {
        token.to_owned()
    } else {
        expand(&rule.positive[0], token, random)
    }
}

/// Rules of which two know one form: the second says of a token of the first what it is as well.
const TWINS: [(&str, &str); 6] = [
    ("azure-service-access-key", "azure-common-annotated-key"),
    ("elasticsearch-api-key", "elastic-observability-api-key"),
    ("ethereum-private-key", "ethereum-wallet-key"),
    ("flask-secret-key", "symfony-app-secret"),
    ("kaggle-json-key", "kaggle-key"),
    ("wordpress-db-password", "database-password"),
];

/// Whether the finding of rule `found` says what a token of the rule is.
pub fn tells(rule: &str, found: &str) -> bool {
    rule == found || TWINS.contains(&(rule, found))
}

#[test]
fn tokens_are_found_in_every_kind_of_file() {
    let scanner = Scanner::new(UserRules::default()).unwrap();
    let mut random = Random::seeded(0x9E37_79B9_7F4A_7C15);
    let (mut made, mut found) = (0, 0);
    let mut missed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for rule in specs() {
        for template in &rule.token {
            for _ in 0..TOKENS {
                let token = statement(&rule, &expand(template, "", &mut random), &mut random);
                for (context, file, write) in CONTEXTS {
                    made += 1;
                    let text = write(&rule.variable, &token);
                    let path = EntryPath::new(&"fn.zip!/".into(), file);
                    let mut scan = scanner.file(&path, text.len() as u64);
                    scan.window(text.as_bytes(), 0, true);
                    let secrets = scan.finish();
                    if secrets
                        .iter()
                        .any(|secret| tells(&rule.id, &secret.rule.id))
                    {
                        found += 1;
                    } else {
                        let other = secrets.first().map_or("-", |secret| &secret.rule.id);
                        let what = format!("{context}:{other}");
                        missed.entry(rule.id.clone()).or_default().push(what);
                    }
                }
            }
        }
    }
    let recall = f64::from(found) / f64::from(made);
    println!("{found} of {made} tokens found, {:.2} %", recall * 100.0);
    for (rule, contexts) in missed {
        println!("{rule}: missed in {}", contexts.join(" "));
    }
    assert!(recall >= 0.97, "{found} of {made}");
}
