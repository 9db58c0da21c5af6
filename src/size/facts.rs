//! What the rules of waste need to know of the whole.

use std::collections::HashSet;

use super::Deployment;
use super::detect::{bytecode_tag, python_version};
use super::exceptions::{COMPILERS, HEADERS_OF_OTHERS, READ_STUBS, is_compiler, is_test_file};
use super::imports::Folder;
use super::kinds::{
    is_python_stub, is_python_tests, is_type_stub, names_another_system, up_to_tests,
};
use super::runtime::Provided;
use super::usage::Placed;
use super::waste::Safety;
use crate::component::Ecosystem;
use crate::text::has_suffix;

const MANAGERS: &[(Ecosystem, &str)] = &[
    (Ecosystem::PyPi, "pip"),
    (Ecosystem::PyPi, "wheel"),
    (Ecosystem::PyPi, "pipenv"),
    (Ecosystem::PyPi, "poetry"),
    (Ecosystem::Npm, "npm"),
    (Ecosystem::Npm, "yarn"),
    (Ecosystem::Npm, "pnpm"),
    (Ecosystem::Npm, "node-gyp"),
];

/// What the rules need to know of the whole.
pub struct Facts<'a> {
    pub deployment: &'a Deployment<'a>,
    pub is_linux: bool,
    /// Stubs are read when the program runs by what is installed.
    loads_stubs: bool,
    pub managers: HashSet<usize>,
    pub setuptools: HashSet<usize>,
    pub provided: HashSet<usize>,
    imported_tests: HashSet<usize>,
    /// The outermost `tests` folders with modules in them, by artifact.
    test_modules: HashSet<(usize, &'a str)>,
    /// Python packages without source, of which nobody can tell what they import.
    bytecode_alone: HashSet<usize>,
    /// With the packages whose headers they read.
    compilers: HashSet<usize>,
    /// Packages that read type declarations, and the ecosystems that have such.
    stub_readers: HashSet<usize>,
    read_stubs: HashSet<Ecosystem>,
    for_other_systems: HashSet<usize>,
}

impl<'a> Facts<'a> {
    pub fn of(deployment: &'a Deployment<'a>, provided: &[Provided]) -> Self {
        let packages = deployment.packages;
        let those = |is_it: &dyn Fn(Ecosystem, &str) -> bool| -> HashSet<usize> {
            let rows = packages.iter().enumerate();
            let rows = rows.filter(|(_, c)| is_it(c.ecosystem, &c.name));
            rows.map(|(index, _)| index).collect()
        };
        let present: Vec<&str> = HEADERS_OF_OTHERS
            .iter()
            .filter(|(compiler, _)| packages.iter().any(|c| is_compiler(&c.name, compiler)))
            .map(|(_, prefix)| *prefix)
            .collect();
        let stub_readers = those(&|ecosystem, name| READ_STUBS.contains(&(ecosystem, name)));
        let is_needed = |index: &usize| deployment.tree.is_needed(*index);
        let mut managers = those(&|ecosystem, name| MANAGERS.contains(&(ecosystem, name)));
        managers.retain(|index| !is_needed(index));
        let mut setuptools =
            those(&|ecosystem, name| (ecosystem, name) == (Ecosystem::PyPi, "setuptools"));
        setuptools.retain(|index| !is_needed(index));
        Facts {
            deployment,
            is_linux: deployment.is_for_linux(),
            loads_stubs: packages.iter().any(|c| c.name == "lazy-loader"),
            managers,
            setuptools,
            provided: provided.iter().map(|provided| provided.component).collect(),
            imported_tests: imported_tests(deployment),
            test_modules: test_modules(deployment),
            bytecode_alone: bytecode_alone(deployment),
            compilers: those(&|_, name| {
                COMPILERS.iter().any(|compiler| is_compiler(name, compiler))
                    || present.iter().any(|prefix| name.starts_with(prefix))
            }),
            read_stubs: stub_readers
                .iter()
                .map(|&index| packages[index].ecosystem)
                .collect(),
            stub_readers,
            for_other_systems: those(&|ecosystem, name| {
                ecosystem == Ecosystem::Npm && names_another_system(name, '-')
            }),
        }
    }

    /// Whether that may be found by a rule at all, for what is known of its package.
    pub fn may_be(&self, safety: Safety, file: &Placed) -> bool {
        safety == Safety::Check || !is_among(&self.bytecode_alone, file)
    }

    /// Whether a file in a `tests` folder is a test or a test's data: no code imports those of its package, there are
    /// modules in the folder, and it is of a kind that tests have.
    pub fn is_only_for_tests(&self, file: &Placed) -> bool {
        !is_among(&self.imported_tests, file)
            && !is_among(&self.bytecode_alone, file)
            && is_test_file(file.path())
            && up_to_tests(file.path())
                .is_some_and(|folder| self.test_modules.contains(&(file.part, folder)))
    }

    pub fn is_for_development(&self, file: &Placed) -> bool {
        let deployment = self.deployment;
        is_among(&deployment.development, file)
            || deployment.development_links.contains(&file.file.path)
    }

    /// Of lazy-loader's stubs it is certain that they are read, and of those of compilers for their language.
    pub fn may_lack_stub(&self, file: &Placed) -> bool {
        is_type_stub(file)
            && !(self.loads_stubs && is_python_stub(file))
            && !is_among(&self.stub_readers, file)
    }

    pub fn is_stub_read(&self, file: &Placed) -> bool {
        file.owner
            .is_some_and(|owner| self.read_stubs.contains(&owner.ecosystem))
    }

    pub fn compiles(&self, file: &Placed) -> bool {
        is_among(&self.compilers, file)
    }

    pub fn is_foreign_bytecode(&self, file: &Placed) -> bool {
        let path = file.path();
        if !path.ends_with(".pyc") {
            return false;
        }
        let runs =
            python_version(path).or(self.deployment.runtime.filter(|r| r.language == "python"));
        match (bytecode_tag(path), runs) {
            (Some(tag), Some(runs)) => tag != runs,
            _ => false,
        }
    }

    pub fn is_for_another_system(&self, file: &Placed) -> bool {
        if is_among(&self.for_other_systems, file) {
            return true;
        }
        if let Some(path) = file.within(Ecosystem::Npm) {
            let prebuilt = path.split_once("prebuilds/").map(|(_, rest)| rest);
            return prebuilt
                .and_then(|rest| rest.split_once('/'))
                .is_some_and(|(folder, _)| names_another_system(folder, '-'));
        }
        file.is_of(Ecosystem::PyPi) && has_suffix(file.path(), &[".pyd", ".dylib", ".exe"])
    }
}

/// The components whose test folders are imported by what is not a test.
fn imported_tests(deployment: &Deployment) -> HashSet<usize> {
    let imports = deployment
        .parts
        .iter()
        .flat_map(|part| &part.imported_tests);
    let folders: HashSet<Folder> = imports.filter_map(|import| import.folder()).collect();
    if folders.is_empty() {
        return HashSet::new();
    }
    let mut found = HashSet::new();
    for file in deployment
        .placed
        .iter()
        .filter(|file| is_python_tests(file))
    {
        let (Some(within), Some(owner)) = (file.within(Ecosystem::PyPi), file.owner) else {
            continue;
        };
        let folder = |path| up_to_tests(path).map(str::to_owned);
        let installed = folder(within).map(Folder::Installed);
        let contained = folder(file.path()).map(Folder::Contained);
        if installed.is_some_and(|f| folders.contains(&f))
            || contained.is_some_and(|f| folders.contains(&f))
        {
            found.insert(owner.component);
        }
    }
    found
}

fn test_modules<'a>(deployment: &Deployment<'a>) -> HashSet<(usize, &'a str)> {
    let is_module = |file: &&Placed| has_suffix(file.path(), &[".py", ".pyc"]);
    let modules = deployment.placed.iter().filter(is_module);
    let folders = modules.filter_map(|file| Some((file.part, up_to_tests(file.path())?)));
    folders.collect()
}

fn bytecode_alone(deployment: &Deployment) -> HashSet<usize> {
    let with = |suffix: &str| -> HashSet<usize> {
        let files = deployment.placed.iter();
        let files =
            files.filter(|file| file.is_of(Ecosystem::PyPi) && file.path().ends_with(suffix));
        files
            .filter_map(|file| Some(file.owner?.component))
            .collect()
    };
    let with_source = with(".py");
    let mut found = with(".pyc");
    found.retain(|component| !with_source.contains(component));
    found
}

pub fn is_among(components: &HashSet<usize>, file: &Placed) -> bool {
    file.owner
        .is_some_and(|owner| components.contains(&owner.component))
}
