//! What resources are checked against: what a tenant has installed, its policy, and the checks themselves, on writes and
//! for `$validate`. R4 validation.html.
//!
//! What is installed is kept in memory, by tenant, under the generation that the database counts. A node looks at the
//! generation when its last look is older than a second, so a change on another node holds here a second later at most.
//! Definitions are read from the database when a check first needs them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::access::{Actor, Operation};
use crate::audit::{Object, ObjectKind};
use crate::base::{LogicalId, ProblemCode, Problems, TenantId};
use crate::fhir::outcome::Severity;
use crate::fhir::profile::{Policy, Registry, Scope, Validated, Wanted, validate};
use crate::fhir::search::summary::is_part;
use crate::fhir::structure::{Issue, IssueCode, Limits};
use crate::fhir::{Json, JsonLimits};
use crate::store::{PackageChange, Write, WriteSet};

use super::document::document;
use super::resources::{OF_PART, refuse_of_report};
use super::{Error, Ops};

/// What this node knows of each tenant.
#[derive(Default)]
pub(super) struct ValidationCache {
    tenants: Mutex<HashMap<TenantId, Known>>,
}

struct Known {
    looked_at: Instant,
    generation: i64,
    rules: Rules,
}

/// What a tenant's resources are checked against.
#[derive(Clone)]
pub(super) struct Rules {
    policy: Policy,
    registry: Arc<Registry>,
    has_packages: bool,
}

/// What a check of a body came to.
pub(super) enum Judged {
    /// Definitions have to be read first.
    Wanted(Vec<Wanted>),
    /// It is done.
    Done(Judgement),
}

/// What is to be done about a body.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    /// What it is refused for; nothing if it is kept.
    pub(super) problems: Problems,
    /// Whether all of them are of profiles: then the body is sound by itself.
    pub(super) only_profiles: bool,
    /// What a client hears that wants to hear something of what is kept.
    pub(super) remarks: Vec<Issue>,
}

/// What `$validate` is asked. R4 resource-operation-validate.html.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValidationRequest {
    /// The resource; the stored one if there is none.
    pub resource: Option<Json>,
    /// For what.
    pub mode: ValidationMode,
    /// Profiles that hold beside those that the resource claims.
    pub profiles: Vec<String>,
}

/// What a resource is validated for. R4 valueset-resource-validation-mode.html.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ValidationMode {
    /// As such.
    #[default]
    General,
    /// To be created.
    Create,
    /// To become a new version of the one with its id.
    Update,
    /// Whether the one with this id can be deleted.
    Delete,
    /// Against the profiles that are named.
    Profile,
}

impl Rules {
    /// Looks at a body that is to be kept.
    pub(super) fn judge(&self, body: &Json) -> Judged {
        let has_rules = self.policy != Policy::Off;
        let scope = Scope { has_rules, has_profiles: has_rules && self.has_packages, profiles: &[] };
        let Validated { structure, base, profiles, wanted } = validate(body, &self.registry, scope, &Limits::default());
        if !wanted.is_empty() {
            return Judged::Wanted(wanted);
        }
        let mut judgement = Judgement::default();
        if is_part(body) {
            judgement.problems.add("meta.tag", ProblemCode::BusinessRule, OF_PART);
        }
        let refused = |issues: &[Issue], problems: &mut Problems| {
            for issue in issues.iter().filter(|issue| issue.is_error()) {
                problems.add(issue.expression.as_str(), issue.code.into(), issue.diagnostics.as_ref());
            }
        };
        refused(&structure, &mut judgement.problems);
        if self.policy == Policy::Reject {
            refused(&base, &mut judgement.problems);
            judgement.only_profiles = judgement.problems.is_empty();
            refused(&profiles, &mut judgement.problems);
        }
        if judgement.problems.is_empty() {
            judgement.remarks = structure.into_iter().chain(base).chain(profiles).map(as_remark).collect();
        }
        Judged::Done(judgement)
    }

    /// What is installed.
    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }
}

impl Judgement {
    /// The remarks, if the body is kept.
    pub(super) fn into_result(self) -> Result<Vec<Issue>, Error> {
        match (self.problems.is_empty(), self.only_profiles) {
            (true, _) => Ok(self.remarks),
            (false, true) => Err(Error::Rule(self.problems)),
            (false, false) => Err(Error::Invalid(self.problems)),
        }
    }
}

/// What is kept was no error: those make an action fail. R4 valueset-issue-severity.html.
fn as_remark(issue: Issue) -> Issue {
    if issue.is_error() { Issue { severity: Severity::Warning, ..issue } } else { issue }
}

impl Ops {
    /// What the tenant's resources are checked against now.
    pub(super) async fn validation_rules(&self, actor: &Actor) -> Result<Rules, Error> {
        let cache = &self.shared.validation;
        let known = cache.with(&actor.tenant, |known| (known.looked_at, known.generation, known.rules.clone()));
        let now = Instant::now();
        if let Some((looked_at, _, rules)) = &known
            && now.duration_since(*looked_at) < LOOK_AGAIN
        {
            return Ok(rules.clone());
        }
        let (generation, policy) = self.desk(actor).validation_state().await?;
        if let Some((_, known, rules)) = known.filter(|(_, known, _)| *known == generation) {
            cache.with(&actor.tenant, |entry| {
                if entry.generation == known {
                    entry.looked_at = now;
                }
            });
            return Ok(rules);
        }
        let installed = self.desk(actor).installed_definitions().await?;
        let has_packages = !installed.is_empty();
        let registry = Arc::new(Registry::with(installed));
        let rules = Rules { policy, registry, has_packages };
        cache.put(&actor.tenant, Known { looked_at: now, generation, rules: rules.clone() });
        Ok(rules)
    }

    /// Reads definitions that a check wanted; the next look at the rules has them.
    pub(super) async fn read_definitions(&self, actor: &Actor, wanted: Vec<Wanted>) -> Result<(), Error> {
        let bodies = self.desk(actor).definition_bodies(wanted.clone()).await?;
        let (ops, tenant) = (self.clone(), actor.tenant.clone());
        self.on_cpu(move || {
            let limits = JsonLimits::default();
            let read = bodies.iter().map(|body| body.as_ref().and_then(|body| Json::parse(body, &limits).ok()));
            let read: Vec<(Wanted, Option<Json>)> = wanted.into_iter().zip(read).collect();
            let cache = &ops.shared.validation;
            let Some(base) = cache.with(&tenant, |known| Arc::clone(&known.rules.registry)) else { return };
            let mut registry = (*base).clone();
            for (wanted, json) in read {
                let url = wanted.url.clone();
                if let Err(error) = registry.add(wanted, json.as_ref()) {
                    tracing::warn!(url, %error, "an installed profile cannot be used");
                }
            }
            // Where somebody else was faster, who asked asks again and finds what is still wanting.
            cache.with(&tenant, |known| {
                if Arc::ptr_eq(&known.rules.registry, &base) {
                    known.rules.registry = Arc::new(registry);
                }
            });
        })
        .await
    }

    /// Asks a question of the rules, which may first need definitions to be read.
    pub(super) async fn with_rules<T: Send + 'static>(
        &self,
        actor: &Actor,
        ask: impl Fn(&Rules) -> Result<T, Vec<Wanted>> + Send + Sync + 'static,
    ) -> Result<T, Error> {
        let ask = Arc::new(ask);
        for _ in 0..MOST_ROUNDS {
            let rules = self.validation_rules(actor).await?;
            let ask = Arc::clone(&ask);
            match self.on_cpu(move || ask(&rules)).await? {
                Ok(answer) => return Ok(answer),
                Err(wanted) => self.read_definitions(actor, wanted).await?,
            }
        }
        Err(Error::Busy("what is installed changes all the time".into()))
    }

    /// A body that may be kept, and what is to be said of it all the same.
    pub(super) async fn valid(&self, actor: &Actor, body: Json) -> Result<(Json, Vec<Issue>), Error> {
        let body = Arc::new(body);
        let judged = Arc::clone(&body);
        let judgement = self
            .with_rules(actor, move |rules| match rules.judge(&judged) {
                Judged::Wanted(wanted) => Err(wanted),
                Judged::Done(judgement) => Ok(judgement),
            })
            .await?;
        let remarks = judgement.into_result()?;
        Ok((Arc::try_unwrap(body).unwrap_or_else(|shared| (*shared).clone()), remarks))
    }

    /// Validates a resource and says what is wrong with it; whatever the policy, nothing is kept. R4
    /// resource-operation-validate.html.
    pub async fn validate_resource(
        &self,
        actor: &Actor,
        resource_type: &str,
        id: Option<&LogicalId>,
        request: ValidationRequest,
    ) -> Result<Vec<Issue>, Error> {
        self.authorize_type(actor, Operation::FhirRead, resource_type).await?;
        let mut issues = self.validate_action(actor, resource_type, id, &request).await?;
        let resource = match (request.resource, id) {
            _ if request.mode == ValidationMode::Delete => None,
            (Some(resource), _) => Some(resource),
            (None, Some(id)) => {
                let stored = self.read_resource(actor, resource_type, id).await?;
                Some(document(&stored)?)
            }
            (None, None) => {
                let detail = "there is a resource, but where the mode is delete";
                return Err(Error::Invalid(Problems::one("resource", ProblemCode::Required, detail)));
            }
        };
        let Some(resource) = resource else { return Ok(issues) };
        if resource.text_at(&["resourceType"]) != Some(resource_type) {
            issues.push(error(IssueCode::Structure, "resourceType", "the resource is not of the type in the URL"));
        }
        let profiles = request.profiles;
        let found = self
            .with_rules(actor, move |rules| {
                let scope = Scope { has_rules: true, has_profiles: true, profiles: &profiles };
                let validated = validate(&resource, &rules.registry, scope, &Limits::default());
                if validated.wanted.is_empty() { Ok(validated) } else { Err(validated.wanted) }
            })
            .await?;
        issues.extend(found.issues().cloned());
        Ok(issues)
    }

    /// What would stand against the action itself.
    async fn validate_action(
        &self,
        actor: &Actor,
        resource_type: &str,
        id: Option<&LogicalId>,
        request: &ValidationRequest,
    ) -> Result<Vec<Issue>, Error> {
        let mut issues = Vec::new();
        if matches!(request.mode, ValidationMode::General | ValidationMode::Profile) {
            return Ok(issues);
        }
        if self.refuse_read_only(actor, resource_type).is_err() {
            issues.push(error(IssueCode::Invariant, "", "resources of this type are read-only"));
        }
        let named = request.resource.as_ref().and_then(|resource| resource.text_at(&["id"]));
        let is_update = request.mode == ValidationMode::Update;
        match (is_update, named, id) {
            (true, None, _) => issues.push(error(IssueCode::Required, "id", "an update needs the id of the resource")),
            (true, Some(named), Some(id)) if named != id.as_str() => {
                issues.push(error(IssueCode::Value, "id", "the id is not the one in the URL"));
            }
            _ => {}
        }
        if request.resource.as_ref().is_some_and(is_part) {
            issues.push(error(IssueCode::Invariant, "meta.tag", OF_PART));
        }
        let target = match (request.mode, id, named) {
            (ValidationMode::Create, ..) => None,
            (_, Some(id), _) => Some(id.clone()),
            (_, None, Some(named)) => LogicalId::parse(named).ok(),
            (ValidationMode::Delete, None, None) => {
                let detail = "whether something can be deleted is asked of a resource with an id";
                return Err(Error::Invalid(Problems::one("mode", ProblemCode::Value, detail)));
            }
            (_, None, None) => None,
        };
        if let Some(target) = target
            && let Some(former) = self.desk(actor).resource(resource_type, &target).await?
            && former.body.is_some()
            && let Err(reason) = refuse_of_report(&former)
        {
            issues.push(error(IssueCode::Invariant, "", &reason.to_string()));
        }
        Ok(issues)
    }

    /// What becomes of resources that break rules.
    pub async fn validation_policy(&self, actor: &Actor) -> Result<Policy, Error> {
        self.authorize(actor, Operation::ValidationRead).await?;
        Ok(self.desk(actor).validation_state().await?.1)
    }

    /// Says what becomes of resources that break rules, from now on. What is kept already stays.
    pub async fn set_validation_policy(&self, actor: &Actor, policy: Policy) -> Result<(), Error> {
        self.authorize(actor, Operation::ValidationSet).await?;
        let object = Object::new(ObjectKind::Package, format!("policy {}", policy.as_str()));
        let set = WriteSet::new()
            .with(Write::Package(PackageChange::Policy(policy)))
            .with(Write::Audit(self.event(actor, Operation::ValidationSet).on(object)));
        self.desk(actor).commit(set).await?;
        self.forget_rules(&actor.tenant);
        Ok(())
    }

    /// Makes the next question look at the database.
    pub(super) fn forget_rules(&self, tenant: &TenantId) {
        self.shared.validation.lock().remove(tenant);
    }
}

fn error(code: IssueCode, path: &str, text: &str) -> Issue {
    Issue { severity: Severity::Error, code, expression: path.to_owned(), diagnostics: text.to_owned().into() }
}

impl ValidationCache {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, Known>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, tenant: &TenantId, act: impl FnOnce(&mut Known) -> T) -> Option<T> {
        self.lock().get_mut(tenant).map(act)
    }

    fn put(&self, tenant: &TenantId, known: Known) {
        self.lock().insert(tenant.clone(), known);
    }
}

/// How old a look at the generation may be.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Rounds of reading definitions; each round goes one reference deeper.
const MOST_ROUNDS: usize = 64;
