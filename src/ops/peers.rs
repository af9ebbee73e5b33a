//! Peers: those that the operator has set at start, and those that an administrator has added.

use crate::access::{Actor, Operation};
use crate::audit::{Object, ObjectKind};
use crate::base::{PeerName, ProblemCode, Problems};
use crate::remote::peer::{PeerReport, Trial, test};
use crate::remote::{PeerKind, PeerSettings};
use crate::store::{PeerChange, StoreError, Write, WriteSet};

use super::{Error, Ops};

impl Ops {
    /// All peers of the tenant. Their secrets print as `***`.
    pub async fn peers(&self, actor: &Actor) -> Result<Vec<PeerSettings>, Error> {
        self.authorize(actor, Operation::PeerList).await?;
        self.all_peers(actor).await
    }

    /// Adds a peer, or gives one new settings; a secret `***` keeps the one that is stored.
    pub async fn put_peer(&self, actor: &Actor, settings: PeerSettings) -> Result<(), Error> {
        self.authorize(actor, Operation::PeerAdd).await?;
        if self.settings().peers.iter().any(|peer| peer.name == settings.name) {
            return Err(Error::Conflict("a peer of this name is set in the configuration"));
        }
        let settings = match self.own_peer(actor, &settings.name).await? {
            Some(former) => settings.with_secrets_of(&former),
            None => settings,
        };
        settings.check().into_result(()).map_err(Error::Invalid)?;
        let change = PeerChange::Put {
            name: settings.name.clone(),
            kind: settings.kind.as_str().to_owned(),
            settings: settings.to_sealed_json().expose().as_bytes().to_vec(),
        };
        let object = Object::new(ObjectKind::Peer, settings.name.as_str());
        let set = WriteSet::new()
            .with(Write::Peer(change))
            .with(Write::Audit(self.event(actor, Operation::PeerAdd).on(object)));
        Ok(self.desk(actor).commit(set).await?)
    }

    /// Takes a peer away. Deliveries to it that are under way fail.
    pub async fn remove_peer(&self, actor: &Actor, name: &PeerName) -> Result<(), Error> {
        self.authorize(actor, Operation::PeerRemove).await?;
        if self.settings().peers.iter().any(|peer| peer.name == *name) {
            return Err(Error::Conflict("this peer is set in the configuration"));
        }
        let set = WriteSet::new().with(Write::Peer(PeerChange::Remove { name: name.clone() })).with(Write::Audit(
            self.event(actor, Operation::PeerRemove).on(Object::new(ObjectKind::Peer, name.as_str())),
        ));
        match self.desk(actor).commit(set).await {
            Err(StoreError::Gone) => Err(Error::NotFound),
            outcome => Ok(outcome?),
        }
    }

    /// Tries the connection to a peer and says in plain words what was found.
    pub async fn test_peer(&self, actor: &Actor, name: &PeerName, trial: &Trial) -> Result<PeerReport, Error> {
        self.authorize(actor, Operation::PeerTest).await?;
        let settings = self.find_peer(actor, name).await?.ok_or(Error::NotFound)?;
        self.note_read(actor, Operation::PeerTest, vec![Object::new(ObjectKind::Peer, name.as_str())]).await?;
        Ok(Box::pin(test(&settings, std::sync::Arc::clone(&self.shared.clock), trial)).await)
    }

    /// All peers of the tenant: the operator's first.
    pub(super) async fn all_peers(&self, actor: &Actor) -> Result<Vec<PeerSettings>, Error> {
        let mut peers = self.settings().peers.clone();
        for stored in self.desk(actor).peers().await? {
            if !peers.iter().any(|peer| peer.name == stored.name) {
                peers.push(readable(&stored.settings)?);
            }
        }
        Ok(peers)
    }

    /// One peer of the tenant.
    pub(super) async fn find_peer(&self, actor: &Actor, name: &PeerName) -> Result<Option<PeerSettings>, Error> {
        let set = self.settings().peers.iter().find(|peer| peer.name == *name).cloned();
        let mut peer = match set {
            Some(peer) => Some(peer),
            None => self.own_peer(actor, name).await?,
        };
        if let Some(peer) = peer.as_mut().filter(|peer| peer.kind == PeerKind::Dimse) {
            peer.calling_ae_title.get_or_insert_with(|| self.settings().ae_title.clone());
        }
        Ok(peer)
    }

    async fn own_peer(&self, actor: &Actor, name: &PeerName) -> Result<Option<PeerSettings>, Error> {
        self.desk(actor).peer(name).await?.map(|stored| readable(&stored.settings)).transpose()
    }
}

/// Peer settings from a JSON body; the error names the place, not the value.
pub fn settings_from_json(bytes: &[u8]) -> Result<PeerSettings, Error> {
    serde_json::from_slice(bytes).map_err(|error| {
        let detail = format!("is not peer settings: line {}, column {}", error.line(), error.column());
        Error::Invalid(Problems::one("", ProblemCode::Structure, detail))
    })
}

fn readable(settings: &[u8]) -> Result<PeerSettings, Error> {
    PeerSettings::from_sealed_json(settings).map_err(|error| Error::Fault(error.to_string()))
}
