//! US Core 6.1.0 on its own examples, and on what was changed in them.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::LazyLock;

use super::{Checked, Installed, Registry, check, constrained_type};
use crate::fhir::package::{Package, PackageLimits};
use crate::fhir::structure::{self, Issue, IssueCode, Limits};
use crate::fhir::{Json, JsonLimits};

const US_CORE: &[u8] = include_bytes!("../../../fixtures/fhir/us_core_610.tgz");

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes(), &JsonLimits::default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

static PACKAGE: LazyLock<Package> =
    LazyLock::new(|| Package::read(US_CORE, &PackageLimits::default()).expect("is a package"));

/// A registry of these packages, with further definitions.
fn registry(package: &Package, others: &[Json]) -> Source {
    let mut all: Vec<(Installed, Json)> = Vec::new();
    for each in &package.definitions {
        let installed = Installed {
            kind: each.kind,
            url: each.url.clone(),
            version: each.version.clone().unwrap_or_default(),
            constrains: constrained_type(&each.json).to_owned(),
            package: (package.manifest.name.clone(), package.manifest.version.clone()),
        };
        all.push((installed, each.json.clone()));
    }
    for other in others {
        let text = |key: &str| other.text_at(&[key]).unwrap_or_default().to_owned();
        let kind = crate::fhir::package::DefinitionKind::parse(&text("resourceType")).expect("a definition");
        let constrains = constrained_type(other).to_owned();
        let package = ("test".to_owned(), "1".to_owned());
        all.push((Installed { kind, url: text("url"), version: text("version"), constrains, package }, other.clone()));
    }
    let registry = Registry::with(all.iter().map(|(installed, _)| installed.clone()));
    Source { all, registry }
}

struct Source {
    all: Vec<(Installed, Json)>,
    registry: Registry,
}

impl Source {
    /// Checks, and reads what is wanted until nothing is.
    fn check(&mut self, resource: &Json, profiles: &[&str]) -> Vec<Issue> {
        let profiles: Vec<String> = profiles.iter().map(|url| (*url).to_owned()).collect();
        for _ in 0..50 {
            let Checked { issues, wanted } = check(resource, &profiles, &self.registry, &Limits::default());
            if wanted.is_empty() {
                return issues;
            }
            for one in wanted {
                let found = self.all.iter().find(|(installed, _)| {
                    (installed.kind, &installed.url, &installed.version) == (one.kind, &one.url, &one.version)
                });
                let json = found.map(|(_, json)| json);
                self.registry.add(one.clone(), json).unwrap_or_else(|error| panic!("{one:?}: {error}"));
            }
        }
        panic!("always wants more")
    }

    fn errors(&mut self, resource: &Json, profiles: &[&str]) -> Vec<(String, IssueCode)> {
        let issues = self.check(resource, profiles);
        issues.into_iter().filter(Issue::is_error).map(|issue| (issue.expression, issue.code)).collect()
    }
}

/// The examples of the package by file name.
static EXAMPLES: LazyLock<BTreeMap<String, Json>> = LazyLock::new(|| {
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(US_CORE).read_to_end(&mut tar).expect("gzip");
    let mut examples = BTreeMap::new();
    let mut at = 0;
    while at + 512 <= tar.len() && tar[at] != 0 {
        let text = |from: usize, length: usize| {
            let field = &tar[at + from..at + from + length];
            String::from_utf8_lossy(field.split(|byte| *byte == 0).next().unwrap_or_default()).trim().to_owned()
        };
        let size = usize::from_str_radix(&text(124, 12), 8).expect("octal");
        let name = text(0, 100);
        if let Some(name) = name.strip_prefix("package/example/").filter(|name| name.ends_with(".json"))
            && !name.starts_with('.')
        {
            let body = std::str::from_utf8(&tar[at + 512..at + 512 + size]).expect("UTF-8");
            examples.insert(name.to_owned(), json(body));
        }
        at += 512 + size.div_ceil(512) * 512;
    }
    examples
});

#[test]
fn examples_of_us_core_are_valid() {
    let mut source = registry(&PACKAGE, &[]);
    assert!(EXAMPLES.len() > 150);
    let mut found = Vec::new();
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    for (name, example) in &*EXAMPLES {
        for issue in source.check(example, &[]) {
            if issue.is_error() {
                found.push(format!("{name}: {} {:?} {}", issue.expression, issue.code, issue.diagnostics));
            } else {
                *others.entry(format!("{:?} {}", issue.severity, issue.diagnostics)).or_default() += 1;
            }
        }
    }
    for (text, count) in &others {
        println!("{count} {text}");
    }
    assert!(found.is_empty(), "{}\n{}", found.len(), found.join("\n"));
}
