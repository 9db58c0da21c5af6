//! .NET assemblies: programs and libraries of PE's format with metadata of .NET in them.
//!
//! Nothing in an assembly says of which package it is. The names of the well known ones are those of their packages, or
//! are in `known_packages.txt` beside them; no other is reported. Nor is what .NET Framework and Mono have of their own, or
//! what an SDK has for compilers. What is said of the version:
//!
//! - `AssemblyVersion` is what others are linked against, and stays the same over many releases.
//! - `AssemblyInformationalVersion`, in the version resource as `ProductVersion`, is the package's version where nobody
//!   set it otherwise, with `+` and the commit behind it. A pre-release may have been published as the release that it
//!   became, and four numbers as the first three: of these the version is one of two.
//! - .NET's own libraries have the version of the whole .NET there: `8.0.10` is in the packages `8.0.1` and `8.0.2` alike.
//! - `1.0.0` is what the compiler writes where nobody says anything.
//!
//! <https://learn.microsoft.com/dotnet/standard/library-guidance/versioning>

use object::pe::{self, ImageCor20Header, ImageDosHeader, ImageNtHeaders32, ImageNtHeaders64};
use object::read::ReadRef;
use object::read::pe::{ImageNtHeaders, ResourceDirectory};
use object::{FileKind, LittleEndian};

use super::assemblies::{FoundAssembly, Stated};
use super::cli_metadata::{self, Damaged, Identity};
use super::known_packages::package;
use super::version_resource;
use crate::component::Ecosystem;
use crate::finding::EntryPath;
use crate::inspect::{Observations, Unreadable};
use crate::inventory::binary::{Hit, Image, Platform, Reader};
use crate::version::Version;

/// The assembly that is in every .NET and in nothing else.
const CORE_LIBRARY: &str = "System.Private.CoreLib";

/// The products of which .NET itself is one: `Microsoft® .NET`, `Microsoft® .NET Core`, `Microsoft® .NET Framework`.
const DOTNET: &str = "Microsoft® .NET";

/// That of .NET Framework. Packages of .NET Core up to 2 name it too.
const DOTNET_FRAMEWORK: &str = "Microsoft® .NET Framework";

/// That of Mono, `Consts.MonoProduct` in its sources: <https://github.com/mono/mono>.
const MONO: &str = "Mono Common Language Infrastructure";

/// Where an SDK has what it compiles against, `packs/NAME/VERSION/ref`, and what runs in its compiler:
/// <https://github.com/dotnet/designs/blob/main/accepted/2019/targeting-packs-and-runtime-packs.md>.
const PACKS: &str = "packs";
const OF_COMPILERS: &[&str] = &["ref", "analyzers"];

pub struct Assembly;

impl Reader for Assembly {
    fn read(
        &self,
        image: &Image,
        _hits: &[Hit],
        path: &EntryPath,
        seen: &mut Observations,
    ) -> Result<(), Unreadable> {
        if image.platform != Platform::Windows {
            return Ok(());
        }
        let parts = match FileKind::parse(image.bytes) {
            Ok(FileKind::Pe32) => parts::<ImageNtHeaders32>(image.bytes),
            Ok(FileKind::Pe64) => parts::<ImageNtHeaders64>(image.bytes),
            _ => None,
        };
        let Some(parts) = parts else {
            return Ok(());
        };
        let identity = parts.metadata.ok_or(Damaged);
        let identity = identity.and_then(cli_metadata::identity);
        let identity =
            identity.map_err(|Damaged| Unreadable::new("has metadata of .NET that is damaged"))?;
        if let Some(identity) = identity {
            observe(&identity, parts.resource, path, seen);
        }
        Ok(())
    }
}

fn observe(identity: &Identity, resource: &[u8], path: &EntryPath, seen: &mut Observations) {
    if identity.name == CORE_LIBRARY {
        seen.assemblies.runtimes.push(path.clone());
    }
    let Some((package, company)) = package(&identity.name).filter(|_| !is_for_compilers(path))
    else {
        return;
    };
    let texts = version_resource::texts(resource);
    let text = |name: &str| texts.get(name).map_or("", String::as_str);
    let (product, informational) = (text("ProductName"), text("ProductVersion"));
    let is_others = company.is_some_and(|of| !is_of_company(of, text("CompanyName"), identity));
    if is_others || is_frameworks(product, informational, identity) {
        return;
    }
    let is_dotnets = product.starts_with(DOTNET);
    let stated = match is_dotnets {
        true => of_dotnet(informational, identity.version),
        false => of_package(informational, identity.version),
    };
    seen.assemblies.found.push(FoundAssembly {
        path: path.clone(),
        package,
        stated,
        is_dotnets,
    });
}

/// Where in an assembly its parts are.
struct Parts<'a> {
    /// None where it is not where the header says.
    metadata: Option<&'a [u8]>,
    /// Empty where there is none.
    resource: &'a [u8],
}

/// None of what is no assembly.
fn parts<Pe: ImageNtHeaders>(bytes: &[u8]) -> Option<Parts<'_>> {
    let mut offset = ImageDosHeader::parse(bytes)
        .ok()?
        .nt_headers_offset()
        .into();
    let (headers, directories) = Pe::parse(bytes, &mut offset).ok()?;
    let header = directories.get(pe::IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR)?;
    if header.size.get(LittleEndian) == 0 {
        return None;
    }
    let sections = headers.sections(bytes, offset).ok()?;
    let header = header.data(bytes, &sections).ok();
    let header = header.and_then(|header| header.read_at::<ImageCor20Header>(0).ok());
    let metadata = header.and_then(|header| header.meta_data.data(bytes, &sections).ok());
    let resources = directories.resource_directory(bytes, &sections);
    let resource = resources.ok().flatten().and_then(|resources| {
        let (address, size) = version(resources)?;
        let resource = sections.pe_data_at(bytes, address)?;
        Some(resource.get(..size as usize).unwrap_or(resource))
    });
    Some(Parts {
        metadata,
        resource: resource.unwrap_or_default(),
    })
}

/// Address and size of the first version resource: by type, name and language.
fn version(resources: ResourceDirectory) -> Option<(u32, u32)> {
    let types = resources.root().ok()?;
    let mut types = types.entries.iter();
    let entry = types.find(|entry| entry.name_or_id().id() == Some(pe::RT_VERSION))?;
    let names = entry.data(resources).ok()?.table()?;
    let languages = names.entries.first()?.data(resources).ok()?.table()?;
    let data = languages.entries.first()?.data(resources).ok()?.data()?;
    Some((
        data.offset_to_data.get(LittleEndian),
        data.size.get(LittleEndian),
    ))
}

/// Whether the file is in a pack of an SDK, for the compiler alone.
fn is_for_compilers(path: &EntryPath) -> bool {
    let mut above = path.parent().split('/').skip_while(|name| *name != PACKS);
    above.any(|name| OF_COMPILERS.contains(&name))
}

/// Whether an assembly is Mono's or .NET Framework's own. Where a package names the framework as its product, words stand
/// behind its version: `4.6.26919.02 @BuiltBy: …`.
fn is_frameworks(product: &str, informational: &str, identity: &Identity) -> bool {
    let is_numeric = informational
        .bytes()
        .all(|b| b.is_ascii_digit() || b == b'.');
    product == MONO
        || (product == DOTNET_FRAMEWORK && is_numeric && identity.name.starts_with("System."))
}

/// Whether an assembly says that it is of that company. What nobody says is the assembly's name:
/// <https://learn.microsoft.com/dotnet/core/project-sdk/msbuild-props#assembly-attribute-properties>.
fn is_of_company(company: &str, stated: &str, identity: &Identity) -> bool {
    let start = stated.get(..company.len()).unwrap_or_default();
    start.eq_ignore_ascii_case(company) && !stated.eq_ignore_ascii_case(&identity.name)
}

/// What the informational version says, taken apart.
struct Informational<'a> {
    numbers: Vec<&'a str>,
    pre_release: Option<&'a str>,
    /// Something else stands behind.
    is_odd: bool,
}

impl<'a> Informational<'a> {
    fn parse(text: &'a str) -> Self {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (numbers, rest) = text.split_at(end.unwrap_or(text.len()));
        let parts = numbers.trim_end_matches('.').split('.');
        let (pre_release, _commit) = rest.split_once('+').unwrap_or((rest, ""));
        let label = pre_release.strip_prefix('-');
        Informational {
            numbers: parts.filter(|part| !part.is_empty()).collect(),
            pre_release: label,
            is_odd: numbers.ends_with('.') || (label.is_none() && !pre_release.is_empty()),
        }
    }

    /// The first three numbers, where there are as many.
    fn three(&self) -> Option<String> {
        self.numbers.get(..3).map(|numbers| numbers.join("."))
    }
}

/// The version of a package whose assembly states `informational`.
fn of_package(informational: &str, assembly: [u16; 4]) -> Stated {
    let said = Informational::parse(informational);
    let major = said.numbers.first().and_then(|major| major.parse().ok());
    let Some(three) = said.three().filter(|_| major == Some(assembly[0])) else {
        return Stated::Nothing;
    };
    if three == "1.0.0" {
        return Stated::Nothing;
    }
    match (said.numbers.get(3), said.pre_release) {
        (None, Some(label)) => Stated::between(&format!("{three}-{label}"), &three),
        (None, None) if !said.is_odd => Stated::exactly(&three),
        (Some(fourth), None) if !said.is_odd && fourth.bytes().all(|b| b == b'0') => {
            Stated::exactly(&three)
        }
        (Some(fourth), None) => Stated::between(&three, &format!("{three}.{fourth}")),
        _ => Stated::Nothing,
    }
}

/// The version of a package that is built with .NET itself, whose release `informational` is. Since .NET 5 both begin
/// with the same two numbers, as does the assembly's version, and a package is published anew with some of the releases.
fn of_dotnet(informational: &str, assembly: [u16; 4]) -> Stated {
    let said = Informational::parse(informational);
    let [major, minor, ..] = assembly;
    let first = format!("{major}.{minor}.0");
    match said.three() {
        Some(three) if major >= 5 && said.numbers.len() == 3 && said.pre_release.is_none() => {
            let is_of_release = three.starts_with(&format!("{major}.{minor}."));
            match is_of_release && !said.is_odd {
                true if three == first => Stated::exactly(&first),
                true => Stated::between(&first, &three),
                false => Stated::Nothing,
            }
        }
        _ => Stated::Nothing,
    }
}

impl Stated {
    fn exactly(version: &str) -> Self {
        match Version::parse(Ecosystem::NuGet, version) {
            Some(_) => Stated::Version(version.to_owned()),
            None => Stated::Nothing,
        }
    }

    fn between(first: &str, last: &str) -> Self {
        let is_version = |text: &&str| Version::parse(Ecosystem::NuGet, text).is_some();
        match [first, last].iter().all(is_version) {
            true => Stated::Range(format!("[{first},{last}]")),
            false => Stated::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{TableRows, assembly, metadata};
    use super::*;
    use crate::inventory::binary::Binary;
    use crate::inventory::testing::inspect;

    const NO_TABLES: TableRows = &[];

    fn file(name: &str, version: [u16; 4], product: &str, informational: &str) -> Vec<u8> {
        let texts = [("ProductName", product), ("ProductVersion", informational)];
        assembly(&metadata(name, version, NO_TABLES), &texts)
    }

    fn found(bytes: &[u8]) -> Vec<(String, Stated)> {
        let seen = inspect(&Binary, "any.dll", bytes).unwrap();
        let found = seen.assemblies.found.into_iter();
        found.map(|f| (f.package, f.stated)).collect()
    }

    fn version(text: &str) -> Stated {
        Stated::Version(text.to_owned())
    }

    fn range(text: &str) -> Stated {
        Stated::Range(text.to_owned())
    }

    #[test]
    fn a_well_known_assembly_is_its_package_and_no_other_is_named() {
        for (assembly, package) in [
            ("Newtonsoft.Json", Some("Newtonsoft.Json")),
            ("newtonsoft.json", Some("Newtonsoft.Json")),
            ("CommandLine", Some("CommandLineParser")),
            ("Google.Apis.PlatformServices", Some("Google.Apis")),
            (
                "Google.Apis.Auth.PlatformServices",
                Some("Google.Apis.Auth"),
            ),
            ("Google.Apis", Some("Google.Apis")),
            ("Microsoft.Data.Sqlite", Some("Microsoft.Data.Sqlite.Core")),
            ("Serilog.Sinks.Console", Some("Serilog.Sinks.Console")),
            ("Serilog.Enrichers.Acme", None),
            ("Amazon.Lambda.Acme", None),
            ("Orders.Function", None),
            ("System.Runtime", None),
        ] {
            let bytes = file(assembly, [3, 0, 0, 0], "Invented", "3.2.1");
            let expected = package.map(|package| (package.to_owned(), version("3.2.1")));
            assert_eq!(found(&bytes), Vec::from_iter(expected), "{assembly}");
        }
    }

    #[test]
    fn an_assembly_of_a_family_is_a_package_where_it_says_whose_it_is() {
        for (name, company, is_one) in [
            ("Azure.Storage.Blobs", "Microsoft Corporation", true),
            ("AWSSDK.S3", "Amazon.com, Inc", true),
            ("Google.Apis.Drive.v3", "Google Inc.", true),
            ("Azure.Core.resources", "Microsoft Corporation", false),
            ("Azure.Storage Blobs", "Microsoft Corporation", false),
            ("Azure.Orders", "Azure.Orders", false),
            ("Azure.Orders", "Invented", false),
            ("Azure.Orders", "", false),
            ("Azure.Orders", "é", false),
            ("OpenTelemetry.Acme", "OpenTelemetry.Acme", false),
        ] {
            let texts = [("CompanyName", company)];
            let bytes = assembly(&metadata(name, [3, 0, 0, 0], NO_TABLES), &texts);
            let expected = is_one.then(|| (name.to_owned(), Stated::Nothing));
            assert_eq!(found(&bytes), Vec::from_iter(expected), "{name} {company}");
        }
    }

    #[test]
    fn what_mono_and_dotnet_framework_have_of_their_own_is_no_package() {
        for (name, product, informational, is_one) in [
            ("System.Drawing.Common", MONO, "4.6.57.0", false),
            ("Newtonsoft.Json", MONO, "4.6.57.0", false),
            ("System.Management", DOTNET_FRAMEWORK, "4.8.9032.0", false),
            (
                "System.Management",
                DOTNET_FRAMEWORK,
                "4.6.1.2 @BuiltBy: x",
                true,
            ),
            ("EntityFramework", DOTNET_FRAMEWORK, "6.4.4", true),
            ("System.Management", "Invented", "4.8.9032.0", true),
        ] {
            let bytes = file(name, [4, 0, 0, 0], product, informational);
            assert_eq!(found(&bytes).len(), usize::from(is_one), "{name} {product}");
        }
    }

    #[test]
    fn what_an_sdk_has_for_its_compiler_is_no_package() {
        let bytes = file("System.Text.Json", [8, 0, 0, 0], "Invented", "8.0.1");
        for (folder, is_one) in [
            (
                "sdk/packs/Microsoft.AspNetCore.App.Ref/8.0.1/ref/net8.0",
                false,
            ),
            (
                "packs/Microsoft.NETCore.App.Ref/8.0.1/analyzers/dotnet/cs",
                false,
            ),
            (
                "packs/Microsoft.NETCore.App.Runtime.linux-x64/8.0.1/lib",
                true,
            ),
            ("ref/packs", true),
            ("fn/ref", true),
            ("", true),
        ] {
            let path = format!("{folder}/System.Text.Json.dll");
            let seen = inspect(&Binary, &path, &bytes).unwrap();
            assert_eq!(seen.assemblies.found.len(), usize::from(is_one), "{folder}");
        }
    }

    #[test]
    fn a_version_is_believed_where_it_can_only_be_the_packages() {
        for (assembly, informational, expected) in [
            ([13, 0, 0, 0], "13.0.1+0a1b2c3d", version("13.0.1")),
            ([13, 0, 0, 0], "13.0.1", version("13.0.1")),
            ([3, 3, 0, 0], "3.7.100.0", version("3.7.100")),
            ([6, 0, 0, 0], "6.0.4.17603", range("[6.0.4,6.0.4.17603]")),
            (
                [6, 35, 0, 0],
                "6.35.0.41201.c94c7",
                range("[6.35.0,6.35.0.41201]"),
            ),
            (
                [4, 1, 0, 0],
                "4.1.0-5.22114.11+26",
                range("[4.1.0-5.22114.11,4.1.0]"),
            ),
            ([1, 0, 0, 0], "1.0.0", Stated::Nothing),
            ([1, 0, 0, 0], "1.0.0.0", Stated::Nothing),
            ([15, 1, 0, 0], "16.11.0+053", Stated::Nothing),
            ([4, 5, 0, 0], "4.5", Stated::Nothing),
            ([2, 0, 8, 0], "2.0.8.0-.NET 4.5", Stated::Nothing),
            ([2, 0, 8, 0], "2.0.8 (release)", Stated::Nothing),
            ([2, 0, 8, 0], "", Stated::Nothing),
            ([0, 0, 0, 0], " ", Stated::Nothing),
        ] {
            let bytes = file("Newtonsoft.Json", assembly, "Invented", informational);
            let (_, stated) = found(&bytes).remove(0);
            assert_eq!(stated, expected, "{informational}");
        }
    }

    #[test]
    fn what_is_built_with_dotnet_has_dotnets_version_there() {
        for (assembly, product, informational, expected) in [
            ([8, 0, 0, 0], "", "8.0.10+81c", range("[8.0.0,8.0.10]")),
            ([8, 0, 0, 0], "", "8.0.0+81c", version("8.0.0")),
            ([9, 0, 0, 0], "", "9.0.0-rc.1.2", Stated::Nothing),
            ([4, 0, 2, 0], " Core", "3.1.0+0f7", Stated::Nothing),
            (
                [4, 0, 0, 1],
                " Framework",
                "4.6.26919.02 @x",
                Stated::Nothing,
            ),
            ([4, 0, 2, 0], "", "6.0.36", Stated::Nothing),
        ] {
            let product = format!("{DOTNET}{product}");
            let bytes = file("System.Drawing.Common", assembly, &product, informational);
            let (_, stated) = found(&bytes).remove(0);
            assert_eq!(stated, expected, "{informational}");
        }
    }

    #[test]
    fn an_assembly_without_a_version_resource_has_no_version() {
        let bytes = assembly(&metadata("Dapper", [2, 0, 0, 0], NO_TABLES), &[]);
        assert_eq!(found(&bytes), [("Dapper".to_owned(), Stated::Nothing)]);
    }

    #[test]
    fn metadata_that_is_not_there_is_told() {
        let bytes = assembly(&[7; 32], &[]);
        let why = inspect(&Binary, "a.dll", &bytes).unwrap_err();
        assert_eq!(why.message, "has metadata of .NET that is damaged");
    }

    proptest! {
        #[test]
        fn no_bytes_behind_the_magic_do_harm(at in 2..2000_usize, noise in any::<Vec<u8>>()) {
            let mut bytes = file("Newtonsoft.Json", [13, 0, 0, 0], "Invented", "13.0.1");
            for (byte, noise) in bytes.iter_mut().skip(at).zip(noise) {
                *byte = noise;
            }
            let _ = inspect(&Binary, "a.dll", &bytes);
            bytes.truncate(at.max(64));
            let _ = inspect(&Binary, "a.dll", &bytes);
        }
    }
}
