//! Questions about code systems and value sets. R4 terminology-service.html. What a question refers to is
//! brought together first; the answer is a pure function of it.

use std::collections::HashSet;

use crate::access::{Actor, Operation, decide_type};
use crate::base::{LogicalId, ProblemCode, Problems};
use crate::fhir::package::DefinitionKind;
use crate::fhir::search::query::{CodeList, CodeQuestion, MOST_CODES};
use crate::fhir::terminology::{
    Canonical, CodeSystem, ExpandRequest, Fault, Inputs, Kind, Level, Library, LookupRequest, Stamp, SubsumesRequest,
    Target, ValidateRequest, ValueSet, expand, listing, lookup, subsumes, validate_in_code_system,
    validate_in_value_set,
};
use crate::fhir::{Json, JsonLimits, uri};

use super::{Error, Ops};

impl Ops {
    /// The codes of a value set: a ValueSet with an expansion. R4 valueset-operation-expand.html.
    pub async fn expand_value_set(&self, actor: &Actor, id: Option<&LogicalId>, inputs: Inputs) -> Result<Json, Error> {
        self.authorize_type(actor, Operation::FhirRead, Kind::ValueSet.as_str()).await?;
        let request = ExpandRequest::read(inputs, level(id)).map_err(Error::Invalid)?;
        let mut library = Library::new();
        let set = self.value_set(actor, &mut library, id, &request.target, "$expand").await?;
        self.gather(actor, &mut library, set.references()).await?;
        let identifier = format!("urn:uuid:{}", uuid::Uuid::new_v4());
        let stamp = Stamp { identifier, timestamp: self.now().to_fhir() };
        self.answer(move || expand(&library, &set, &request, stamp)).await
    }

    /// Whether a code is in a value set: Parameters. R4 valueset-operation-validate-code.html.
    pub async fn validate_in_value_set(
        &self,
        actor: &Actor,
        id: Option<&LogicalId>,
        inputs: Inputs,
    ) -> Result<Json, Error> {
        self.authorize_type(actor, Operation::FhirRead, Kind::ValueSet.as_str()).await?;
        let request = ValidateRequest::of_value_set(inputs, level(id)).map_err(Error::Invalid)?;
        let target = request.target.as_ref().ok_or_else(|| missing("url"))?;
        let mut library = Library::new();
        let set = self.value_set(actor, &mut library, id, target, "$validate-code").await?;
        self.gather(actor, &mut library, set.references()).await?;
        self.answer(move || validate_in_value_set(&library, &set, &request)).await
    }

    /// Whether a code is in a code system: Parameters. R4 codesystem-operation-validate-code.html.
    pub async fn validate_in_code_system(
        &self,
        actor: &Actor,
        id: Option<&LogicalId>,
        inputs: Inputs,
    ) -> Result<Json, Error> {
        self.authorize_type(actor, Operation::FhirRead, Kind::CodeSystem.as_str()).await?;
        let request = ValidateRequest::of_code_system(inputs, level(id)).map_err(Error::Invalid)?;
        let mut library = Library::new();
        let system = match &request.target {
            Some(target) => Some(self.code_system(actor, &mut library, id, target, "$validate-code").await?),
            None => {
                self.note_question(actor, Kind::CodeSystem, "$validate-code", None).await?;
                None
            }
        };
        self.gather(actor, &mut library, request.references()).await?;
        self.answer(move || {
            let system = system.as_ref().map(|system| system.within(&library)).transpose()?;
            validate_in_code_system(&library, system, &request)
        })
        .await
    }

    /// What is known about a code: Parameters. R4 codesystem-operation-lookup.html.
    pub async fn look_up_code(&self, actor: &Actor, inputs: Inputs) -> Result<Json, Error> {
        self.authorize_type(actor, Operation::FhirRead, Kind::CodeSystem.as_str()).await?;
        let request = LookupRequest::read(inputs).map_err(Error::Invalid)?;
        let mut library = Library::new();
        self.gather(actor, &mut library, vec![request.system.clone()]).await?;
        self.note_question(actor, Kind::CodeSystem, "$lookup", Some(&request.system)).await?;
        self.answer(move || lookup(&library, &request)).await
    }

    /// How two codes are related: Parameters. R4 codesystem-operation-subsumes.html.
    pub async fn compare_codes(&self, actor: &Actor, id: Option<&LogicalId>, inputs: Inputs) -> Result<Json, Error> {
        self.authorize_type(actor, Operation::FhirRead, Kind::CodeSystem.as_str()).await?;
        let request = SubsumesRequest::read(inputs, level(id)).map_err(Error::Invalid)?;
        let target = match &request.system {
            Some(system) if id.is_none() => Target::Named(system.clone()),
            _ => Target::Instance,
        };
        let mut library = Library::new();
        let system = self.code_system(actor, &mut library, id, &target, "$subsumes").await?;
        self.answer(move || {
            let system = system.within(&library)?;
            if let Some(named) = request.system.as_ref().filter(|named| named.url != system.url) {
                let detail = format!("the codes are of {named}, the CodeSystem is not");
                return Err(Problems::one("system", ProblemCode::Invariant, detail).into());
            }
            subsumes(system, &request)
        })
        .await
    }

    /// The codes that a search names by a value set or by another code. What the tenant has stored counts for those who
    /// may read it. `base` is the address of the FHIR interface.
    pub(super) async fn codes_of(
        &self,
        actor: &Actor,
        name: &str,
        question: &CodeQuestion,
        base: &str,
    ) -> Result<CodeList, Error> {
        let wrong = |fault: Fault| Error::Invalid(Problems::one(name, fault.code(), fault.to_string()));
        let mut library = Library::new();
        let reads = |kind: Kind| decide_type(actor, Operation::FhirRead, kind.as_str()).into_result().is_ok();
        let reads_both = reads(Kind::ValueSet) && reads(Kind::CodeSystem);
        match question {
            CodeQuestion::In(text) => {
                let local = text.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(text);
                let set = match local.strip_prefix("ValueSet/").map(LogicalId::parse) {
                    Some(Ok(id)) => {
                        self.authorize_type(actor, Operation::FhirRead, Kind::ValueSet.as_str()).await?;
                        let stored = self.desk(actor).resource(Kind::ValueSet.as_str(), &id).await?;
                        let body = stored.and_then(|stored| stored.body);
                        let body = body.ok_or_else(|| wrong(Fault::UnknownValueSet(local.to_owned())))?;
                        let json = Json::parse(&body, &JsonLimits::default())
                            .map_err(|error| Error::Fault(error.to_string()))?;
                        let set = ValueSet::of_resource(&json).map_err(Error::Rule)?;
                        self.gather(actor, &mut library, set.references()).await?;
                        set
                    }
                    _ => {
                        let named = Canonical::parse(Kind::ValueSet, text);
                        if reads_both {
                            self.gather(actor, &mut library, vec![named.clone()]).await?;
                        }
                        let found = library.value_set(&named.url, named.version.as_deref()).cloned();
                        found.ok_or_else(|| wrong(Fault::UnknownValueSet(named.to_string())))?
                    }
                };
                self.on_cpu(move || listing(&library, &set, MOST_CODES)).await?.map_err(wrong)
            }
            CodeQuestion::Below { system, code } | CodeQuestion::Above { system, code } => {
                let named = Canonical { kind: Kind::CodeSystem, url: system.clone(), version: None };
                if reads_both {
                    self.gather(actor, &mut library, vec![named]).await?;
                }
                let (system, code) = (system.clone(), code.clone());
                let is_below = matches!(question, CodeQuestion::Below { .. });
                let found = self.on_cpu(move || {
                    if library.code_system(&system, None).is_none() {
                        return Err(Fault::UnknownCodeSystem(system));
                    }
                    let codes = if is_below { library.below(&system, &code) } else { library.above(&system, &code) };
                    let codes = codes.ok_or_else(|| Fault::NoSubsumption(system.clone()))?;
                    let codes: Vec<String> = codes.into_iter().map(str::to_owned).collect();
                    Ok(vec![(system, codes)])
                });
                found.await?.map_err(wrong)
            }
        }
    }

    /// The value set that a request is about. Reading it is noted.
    async fn value_set(
        &self,
        actor: &Actor,
        library: &mut Library,
        id: Option<&LogicalId>,
        target: &Target,
        operation: &str,
    ) -> Result<ValueSet, Error> {
        match self.named(actor, library, Kind::ValueSet, id, target, operation).await? {
            Some(json) => ValueSet::of_resource(&json).map_err(|problems| unusable(target, problems)),
            None => {
                let Target::Named(canonical) = target else { return Err(missing("url")) };
                let found = library.value_set(&canonical.url, canonical.version.as_deref()).cloned();
                found.ok_or_else(|| of_fault(Fault::UnknownValueSet(canonical.to_string())))
            }
        }
    }

    /// As [`Ops::value_set`], for a code system.
    async fn code_system(
        &self,
        actor: &Actor,
        library: &mut Library,
        id: Option<&LogicalId>,
        target: &Target,
        operation: &str,
    ) -> Result<Subject, Error> {
        match self.named(actor, library, Kind::CodeSystem, id, target, operation).await? {
            Some(json) => {
                let system = CodeSystem::of_resource(&json).map_err(|problems| unusable(target, problems))?;
                Ok(Subject::Here(Box::new(system)))
            }
            None => {
                let Target::Named(canonical) = target else { return Err(missing("url")) };
                Ok(Subject::InLibrary(canonical.clone()))
            }
        }
    }

    /// The resource of the path or of the request; one with a canonical URL is put into the library.
    async fn named(
        &self,
        actor: &Actor,
        library: &mut Library,
        kind: Kind,
        id: Option<&LogicalId>,
        target: &Target,
        operation: &str,
    ) -> Result<Option<Json>, Error> {
        match (target, id) {
            (Target::Instance, Some(id)) => {
                let stored = self.read_resource(actor, kind.as_str(), id).await?;
                let body = stored.body.ok_or(Error::Gone)?;
                Ok(Some(Json::parse(&body, &JsonLimits::default()).map_err(|error| Error::Fault(error.to_string()))?))
            }
            (Target::Instance, None) => Err(missing("url")),
            (Target::Given(json), _) => {
                self.note_question(actor, kind, operation, None).await?;
                Ok(Some((**json).clone()))
            }
            (Target::Named(canonical), _) => {
                self.note_question(actor, kind, operation, Some(canonical)).await?;
                self.gather(actor, library, vec![canonical.clone()]).await?;
                Ok(None)
            }
        }
    }

    /// Brings together what the tenant has stored of all that is referred to, directly or through others.
    async fn gather(&self, actor: &Actor, library: &mut Library, mut wanted: Vec<Canonical>) -> Result<(), Error> {
        let mut seen = HashSet::new();
        while let Some(canonical) = wanted.pop() {
            if !seen.insert(canonical.clone()) {
                continue;
            }
            if seen.len() > MOST_REFERENCES {
                let detail = "the value set refers to too many others";
                return Err(Error::Rule(Problems::one("", ProblemCode::TooCostly, detail)));
            }
            let stored = self.stored_definition(actor, &canonical).await?;
            let broken = |problems: Problems| {
                let detail = format!("the stored {canonical} cannot be used: {problems}");
                Error::Rule(Problems::one("", ProblemCode::BusinessRule, detail))
            };
            match (canonical.kind, stored) {
                (Kind::CodeSystem, Some(json)) => {
                    library.add_code_system(CodeSystem::of_resource(&json).map_err(broken)?);
                }
                (Kind::CodeSystem, None) => {}
                (Kind::ValueSet, stored) => {
                    if let Some(json) = stored {
                        library.add_value_set(ValueSet::of_resource(&json).map_err(broken)?);
                    }
                    let found = library.value_set(&canonical.url, canonical.version.as_deref());
                    wanted.extend(found.map(ValueSet::references).unwrap_or_default());
                }
            }
        }
        Ok(())
    }

    /// What the tenant itself has stored under a canonical URL, or else has in its packages.
    async fn stored_definition(&self, actor: &Actor, canonical: &Canonical) -> Result<Option<Json>, Error> {
        let (url, version) = (canonical.url.as_str(), canonical.version.as_deref());
        let stored = self.by_canonical(actor, canonical.kind.as_str(), url, version).await?;
        if stored.is_some() {
            return Ok(stored);
        }
        let kind = match canonical.kind {
            Kind::ValueSet => DefinitionKind::ValueSet,
            Kind::CodeSystem => DefinitionKind::CodeSystem,
        };
        self.packaged(actor, kind, url, version).await
    }

    /// Leaves in the audit log what was asked about.
    async fn note_question(
        &self,
        actor: &Actor,
        kind: Kind,
        operation: &str,
        canonical: Option<&Canonical>,
    ) -> Result<(), Error> {
        let about = canonical.map(|canonical| format!("?url={}", uri::encode_component(&canonical.to_string())));
        let query = format!("{}/{operation}{}", kind.as_str(), about.unwrap_or_default());
        let event = self.event(actor, Operation::FhirRead).with_query(query.as_bytes());
        Ok(self.shared.trail.note(event).await?)
    }

    async fn answer(&self, work: impl FnOnce() -> Result<Json, Fault> + Send + 'static) -> Result<Json, Error> {
        self.on_cpu(work).await?.map_err(of_fault)
    }
}

/// The code system that a request is about. A large one is not copied out of the library.
enum Subject {
    Here(Box<CodeSystem>),
    InLibrary(Canonical),
}

impl Subject {
    fn within<'a>(&'a self, library: &'a Library) -> Result<&'a CodeSystem, Fault> {
        match self {
            Self::Here(system) => Ok(system),
            Self::InLibrary(named) => {
                let found = library.code_system(&named.url, named.version.as_deref());
                found.ok_or_else(|| Fault::UnknownCodeSystem(named.to_string()))
            }
        }
    }
}

fn level(id: Option<&LogicalId>) -> Level {
    if id.is_some() { Level::Instance } else { Level::Type }
}

fn missing(name: &str) -> Error {
    Error::Invalid(Problems::one(name, ProblemCode::Required, "is required"))
}

/// A definition that cannot be read: the request's fault if it came along, else that of who stored it.
fn unusable(target: &Target, problems: Problems) -> Error {
    match target {
        Target::Given(_) => Error::Invalid(problems),
        Target::Instance | Target::Named(_) => Error::Rule(problems),
    }
}

fn of_fault(fault: Fault) -> Error {
    match fault {
        Fault::Invalid(problems) => Error::Invalid(problems),
        fault if fault.is_absence() => Error::Absent(fault.into_problems()),
        fault => Error::Rule(fault.into_problems()),
    }
}

/// Most value sets and code systems that one question may lead to.
const MOST_REFERENCES: usize = 200;
