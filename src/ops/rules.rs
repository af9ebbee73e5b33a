//! Delivery rules: when a report comes into a state, it goes to these peers in these forms.

use crate::access::{Actor, Operation};
use crate::audit::{Object, ObjectKind};
use crate::base::{PeerName, ProblemCode, Problems, VersionId};
use crate::report::{ReportStatus, Twin};
use crate::store::{SettingVersion, SettingWrite, Write, WriteSet};

use super::{Error, Ops};

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeliveryRule {
    /// Name, for people.
    pub name: String,
    /// States of a report, as `final`.
    pub on: Vec<String>,
    /// Peers.
    pub peers: Vec<PeerName>,
    /// Forms, as `dicom-sr`; those of each peer where there is none.
    #[serde(default)]
    pub formats: Vec<String>,
}

impl DeliveryRule {
    /// Whether it speaks of this state.
    pub fn is_about(&self, status: ReportStatus) -> bool {
        self.on.iter().any(|name| name == status.as_str())
    }

    /// The forms that it names.
    pub fn twins(&self) -> Vec<Twin> {
        self.formats.iter().filter_map(|name| Twin::parse(name)).collect()
    }

    /// What is wrong with it; `path` is its place.
    pub fn check(&self, path: &str, problems: &mut Problems) {
        if self.name.trim().is_empty() || self.name.chars().count() > 64 {
            problems.add(format!("{path}.name"), ProblemCode::Value, "is empty or longer than 64 characters");
        }
        for (index, name) in self.on.iter().enumerate() {
            let known = ReportStatus::parse(name).is_some_and(|status| status != ReportStatus::Draft);
            if !known {
                problems.add(
                    format!("{path}.on[{index}]"),
                    ProblemCode::CodeInvalid,
                    "is not a state in which reports leave",
                );
            }
        }
        for (index, name) in self.formats.iter().enumerate() {
            if Twin::parse(name).is_none() {
                problems.add(format!("{path}.formats[{index}]"), ProblemCode::CodeInvalid, "is not a form of a report");
            }
        }
        if self.on.is_empty() {
            problems.add(format!("{path}.on"), ProblemCode::Required, "names no state");
        }
        if self.peers.is_empty() {
            problems.add(format!("{path}.peers"), ProblemCode::Required, "names no peer");
        }
    }
}

impl Ops {
    /// The tenant's own rules and their version; the operator's come on top and are not shown here.
    pub async fn rules(&self, actor: &Actor) -> Result<(Vec<DeliveryRule>, Option<VersionId>), Error> {
        self.authorize(actor, Operation::RuleList).await?;
        self.own_rules(actor).await
    }

    /// Sets the tenant's rules. `expected` is the version that they must be at.
    pub async fn set_rules(
        &self,
        actor: &Actor,
        rules: Vec<DeliveryRule>,
        expected: SettingVersion,
    ) -> Result<(), Error> {
        self.authorize(actor, Operation::RuleSet).await?;
        let peers = self.all_peers(actor).await?;
        let mut problems = Problems::new();
        for (index, rule) in rules.iter().enumerate() {
            let path = format!("rules[{index}]");
            rule.check(&path, &mut problems);
            for (number, peer) in rule.peers.iter().enumerate() {
                if !peers.iter().any(|known| known.name == *peer) {
                    problems.add(format!("{path}.peers[{number}]"), ProblemCode::Value, "is not a known peer");
                }
            }
        }
        problems.into_result(()).map_err(Error::Invalid)?;
        let value = serde_json::to_vec(&rules).map_err(|error| Error::Fault(error.to_string()))?;
        let set = WriteSet::new()
            .with(Write::Setting(SettingWrite { name: SETTING, expected, value }))
            .with(Write::Audit(self.event(actor, Operation::RuleSet).on(Object::new(ObjectKind::Rule, SETTING))));
        Ok(self.desk(actor).commit(set).await?)
    }

    /// All rules that hold for a tenant: the operator's and its own.
    pub(super) async fn all_rules(&self, actor: &Actor) -> Result<Vec<DeliveryRule>, Error> {
        let (own, _) = self.own_rules(actor).await?;
        let set = self.settings().rules.iter().filter(|(tenant, _)| *tenant == actor.tenant);
        Ok(set.map(|(_, rule)| rule.clone()).chain(own).collect())
    }

    async fn own_rules(&self, actor: &Actor) -> Result<(Vec<DeliveryRule>, Option<VersionId>), Error> {
        match self.desk(actor).setting(SETTING).await? {
            None => Ok((Vec::new(), None)),
            Some((value, version)) => {
                let rules = serde_json::from_slice(&value)
                    .map_err(|_error| Error::Fault("stored rules cannot be read".into()))?;
                Ok((rules, Some(version)))
            }
        }
    }
}

/// Name of the setting.
const SETTING: &str = "delivery-rules";
