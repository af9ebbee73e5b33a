//! Taking an instance in.

use bytes::Bytes;

use crate::access::{Actor, Operation};
use crate::base::Uid;

use super::super::{Error, Ops};
use super::{Framing, Received, Source};

/// An instance on its way in. Nothing of it can be seen until [`Incoming::finish`]; dropping it forgets it.
pub struct Incoming {}

impl Ops {
    /// Begins to take one instance in: decides access. Of STOW-RS into a study, `within_study` is that study.
    pub async fn receive_instance(
        &self,
        actor: &Actor,
        _source: &Source,
        _framing: Framing,
        _within_study: Option<&Uid>,
    ) -> Result<Incoming, Error> {
        self.authorize(actor, Operation::StudyStore).await?;
        Ok(Incoming {})
    }
}

impl Incoming {
    /// Takes the next bytes. What is wrong with the instance is said at the end; the bytes of one that is refused
    /// are passed over.
    pub async fn write(&mut self, _bytes: Bytes) -> Result<(), Error> {
        Ok(())
    }

    /// All bytes were there. When this returns with success, the instance is on disk and can be found.
    pub async fn finish(self) -> Result<Received, Error> {
        Err(Error::Busy("not ready".into()))
    }
}
