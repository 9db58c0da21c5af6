//! What a deployment was built with, and how that tool is told to leave something out.

use serde::Serialize;

use super::Part;
use super::usage::Placed;
use crate::component::{Component, Ecosystem, Evidence};

/// Told by what the tools themselves leave in what they build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// The Serverless Framework: <https://www.serverless.com/framework/docs/providers/aws/guide/packaging>.
    Serverless,
    /// Its plugin for Python: <https://github.com/serverless/serverless-python-requirements>.
    ServerlessPythonRequirements,
    /// Zappa: <https://github.com/zappa/Zappa#advanced-settings>.
    Zappa,
    /// AWS SAM: <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/building-custom-runtimes.html>.
    Sam,
    /// esbuild: <https://esbuild.github.io/api/#external>.
    Esbuild,
    /// webpack: <https://webpack.js.org/configuration/externals/>.
    Webpack,
    /// A bundler, and nothing tells which.
    Bundler,
    /// Layers of a container image.
    Image,
    /// Nothing tells which: zip, with what pip, npm or another installed.
    Zip,
}

/// Files by the whole path within the artifact.
const FILES: &[(&str, Tool)] = &[
    ("unzip_requirements.py", Tool::ServerlessPythonRequirements),
    (".requirements.zip", Tool::ServerlessPythonRequirements),
    // What the framework wraps handlers in.
    ("serverless_sdk/index.js", Tool::Serverless),
    ("serverless_sdk/__init__.py", Tool::Serverless),
    ("serverless.yml", Tool::Serverless),
    ("zappa_settings.py", Tool::Zappa),
    ("samconfig.toml", Tool::Sam),
];

/// The folder that `sam build` builds in, which lies in a project's.
const SAM_FOLDER: &str = ".aws-sam/";

pub fn detect(placed: &[Placed], parts: &[Part], packages: &[Component]) -> Tool {
    let mut found = None;
    for file in placed {
        if file.file.path.container().matches("!/").count() > 1 {
            return Tool::Image;
        }
        let known = FILES.iter().find(|(path, _)| *path == file.path());
        let is_sams = file.path().starts_with(SAM_FOLDER);
        let known = known
            .map(|(_, tool)| *tool)
            .or(is_sams.then_some(Tool::Sam));
        found = found.or(known);
    }
    found.unwrap_or_else(|| {
        if is_bundle(packages) {
            bundler(parts)
        } else {
            Tool::Zip
        }
    })
}

/// The one that its marks are of.
fn bundler(parts: &[Part]) -> Tool {
    let mut named = parts.iter().flat_map(|part| &part.bundlers);
    match named.next() {
        Some((_, first)) if named.all(|(_, tool)| tool == first) => *first,
        _ => Tool::Bundler,
    }
}

/// Packages of npm that are known by their code, where none is installed, are what a bundler put into one file.
fn is_bundle(packages: &[Component]) -> bool {
    let is_inlined = |component: &Component| {
        let is_by_code = matches!(
            component.evidence,
            Evidence::Fingerprint | Evidence::Embedded
        );
        component.ecosystem == Ecosystem::Npm && is_by_code
    };
    packages.iter().any(is_inlined)
        && packages
            .iter()
            .all(|component| component.evidence != Evidence::Installed)
}

impl Tool {
    /// How to leave out what the patterns match.
    pub fn setting(self) -> &'static str {
        match self {
            Tool::Serverless => {
                "in serverless.yml, under package.patterns, each pattern with a `!` before it"
            }
            Tool::ServerlessPythonRequirements => {
                "in serverless.yml, under custom.pythonRequirements: slim: true and the patterns under slimPatterns, \
                 whole packages under noDeploy; of the function's own files under package.patterns, with a `!` before each"
            }
            Tool::Zappa => {
                "in zappa_settings.json, under exclude, which takes names wherever they are (`*.pyi`, `tests`), or under \
                 exclude_glob, which takes paths but knows no `**/`; slim_handler: true keeps what is left under the limit"
            }
            Tool::Sam => {
                "with BuildMethod: makefile, whose target removes them from $(ARTIFACTS_DIR); of JavaScript with \
                 BuildProperties (External, Exclude, Sourcemap: false)"
            }
            Tool::Esbuild => {
                "with esbuild's settings: --external:NAME, and --sourcemap=external or none"
            }
            Tool::Webpack => {
                "with webpack's settings: externals, and devtool: false or hidden-source-map"
            }
            Tool::Bundler => {
                "with the bundler's settings: external (esbuild --external:NAME, webpack externals) and sourcemap: false"
            }
            Tool::Image => {
                "in the same RUN step of the Dockerfile that brings them; what a later step removes stays in the layer"
            }
            Tool::Zip => {
                "with `zip -x PATTERN…`, each in quotes, or by removing them before the folder is packed"
            }
        }
    }
}
