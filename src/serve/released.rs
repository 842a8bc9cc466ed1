//! What a message gets that a person let go: the marks, the disclaimer and the copies of the policy in force. Never stops it.

use std::sync::Arc;

use tracing::error;

use super::gate::{Failure, Purpose};
use super::state::Filter;
use crate::message::{Client, Envelope};
use crate::milter::Spooled;
use crate::records::{HeldMessage, RecipientState, Reference};
use crate::respond::{Delivery, Edits};
use crate::verdict::Action;

impl Filter {
    /// The edits, and who gets a copy. Nothing where the sweep fails: a person decided that it goes, so it goes as it was sent.
    pub async fn released(
        self: &Arc<Self>,
        reference: &Reference,
        envelope: &Envelope,
        message: &Spooled,
    ) -> Option<(Edits, Vec<String>)> {
        match self.sweep_released(reference, envelope, message).await {
            Ok(changes) => Some(changes),
            Err(failure) => {
                error!(%reference, %failure, "released mail goes as it was sent, without a marking or a disclaimer");
                None
            }
        }
    }

    async fn sweep_released(
        self: &Arc<Self>,
        reference: &Reference,
        envelope: &Envelope,
        message: &Spooled,
    ) -> Result<(Edits, Vec<String>), Failure> {
        let kept = self.store.find(reference).await?;
        let first = nobody_has_it(&kept);
        let purpose = Purpose::Release(reference.clone(), kept.summary.received_at);
        let envelope = Arc::new(as_it_came(envelope, kept));
        let judgement = self.sweep_aside(envelope, message.clone(), purpose).await?;
        let copies = match judgement.response.delivery {
            Delivery::Accept { add, .. } if first => add,
            _ => Vec::new(),
        };
        Ok((judgement.response.edits, copies))
    }
}

/// The envelope with the client that brought the message, in place of the outbox.
fn as_it_came(envelope: &Envelope, kept: HeldMessage) -> Envelope {
    let address = kept.client_address.and_then(|address| address.parse().ok());
    let client = kept.client_name.map(|name| Client { address, name });
    Envelope { client, authenticated: kept.authenticated, ..envelope.clone() }
}

/// Whether no recipient has the message yet, neither of those for whom it was stopped nor of others: then its copies did not go.
fn nobody_has_it(kept: &HeldMessage) -> bool {
    let stopped = |state| matches!(state, RecipientState::Waiting | RecipientState::Refused);
    let actions = kept.verdict.get("recipients").and_then(serde_json::Value::as_array);
    let delivered = |action: &serde_json::Value| {
        serde_json::from_value::<Action>(action.clone()).is_ok_and(Action::delivers)
    };
    kept.deliveries.iter().all(|one| stopped(one.state)) && !actions.into_iter().flatten().any(delivered)
}
