//! Follows the changes of all tenants that have subscriptions. All that it knows is in the database and moves by
//! compare and set, so every node follows, and none has to.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::base::TenantId;
use crate::ops::Ops;

/// A follower at work.
pub struct FeedHandle {
    stop: watch::Sender<bool>,
    following: JoinHandle<()>,
}

/// Starts to follow. `poll` is how often it looks by itself for what other nodes have changed.
pub fn follow(ops: Ops, poll: Duration) -> FeedHandle {
    let (stop, stopped) = watch::channel(false);
    let following = tokio::spawn(run(ops, poll, stopped));
    FeedHandle { stop, following }
}

impl FeedHandle {
    /// Ends after the step that is under way.
    pub async fn stop(self) {
        let _nobody_left = self.stop.send(true);
        let _ended = self.following.await;
    }
}

async fn run(ops: Ops, poll: Duration, mut stopped: watch::Receiver<bool>) {
    let (mut changes, mut subscribed) = (ops.store().change_signal(), ops.store().subscription_signal());
    let mut ticks = tokio::time::interval(poll);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut tenants: Vec<TenantId> = Vec::new();
    while !*stopped.borrow() {
        let is_followed = !tenants.is_empty();
        tokio::select! {
            _ = stopped.changed() => break,
            // Without a subscription a write costs nothing here.
            _ = changes.changed(), if is_followed => {}
            _ = subscribed.changed() => tenants = look(&ops).await.unwrap_or(tenants),
            _ = ticks.tick() => tenants = look(&ops).await.unwrap_or(tenants),
        }
        for tenant in &tenants {
            while !*stopped.borrow() {
                match ops.match_changes(tenant).await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        tracing::warn!(%tenant, %error, "changes cannot be matched");
                        break;
                    }
                }
            }
        }
    }
}

/// The tenants that have subscriptions; on the way those are woken whose time has come.
async fn look(ops: &Ops) -> Option<Vec<TenantId>> {
    let looked = async {
        ops.wake_subscriptions().await?;
        Ok::<_, crate::ops::Error>(ops.store().tenants_with_subscriptions().await?)
    };
    looked.await.inspect_err(|error| tracing::warn!(%error, "subscriptions cannot be looked after")).ok()
}
