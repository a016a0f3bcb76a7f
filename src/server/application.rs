//! What the HTTP server needs of the rest: a handful of questions, none about HTTP.

use std::sync::Arc;

use crate::content::files::{ContentError, ContentFile};
use crate::services::Services;
use crate::services::call::{Refusal, SoapAnswer, SoapCall};
use crate::wire::contract;
use crate::wire::operation::Service;
use crate::wire::types::Sha1;

/// The services behind the server. Methods that may touch a disk say so; the server calls them
/// where blocking is allowed.
///
/// A call's future is dropped when its client goes away. Work that must finish once begun, such as
/// a write, has to be handed to somebody else before the first `await` on its result.
pub trait Application: Send + Sync + 'static {
    /// Answers a complete SOAP request; every failure becomes a fault.
    fn soap(&self, call: SoapCall) -> impl Future<Output = SoapAnswer> + Send;

    /// The fault for a call that was refused before it reached its operation. The body of `call`
    /// is empty, and the answer's status is replaced by [`Refusal::status`].
    fn refuse(&self, call: &SoapCall, refusal: Refusal) -> SoapAnswer;

    /// Whether everything is taken that the services can take. If not, `/healthz` says so, and
    /// whoever watches it restarts the process; readers are served meanwhile.
    fn healthy(&self) -> bool;

    /// The contract of a service as it is reached at `base_url` (`http://host:8530`), in XML.
    fn wsdl(&self, service: Service, base_url: &str) -> String;

    /// Opens a content file that may be served; none when it is not stored. May block.
    ///
    /// # Errors
    /// The store's, when the disk fails.
    fn content(&self, sha1: &Sha1) -> Result<Option<Arc<ContentFile>>, ContentError>;

    /// A content file that can be had without waiting; none says nothing of whether it is there.
    fn content_at_hand(&self, sha1: &Sha1) -> Option<Arc<ContentFile>>;
}

impl Application for Services {
    fn soap(&self, call: SoapCall) -> impl Future<Output = SoapAnswer> + Send {
        Services::soap(self, call)
    }

    fn refuse(&self, call: &SoapCall, refusal: Refusal) -> SoapAnswer {
        Services::refuse(self, call, refusal)
    }

    fn healthy(&self) -> bool {
        self.state().health().is_ok()
    }

    fn wsdl(&self, service: Service, base_url: &str) -> String {
        contract::wsdl(service, base_url)
    }

    fn content(&self, sha1: &Sha1) -> Result<Option<Arc<ContentFile>>, ContentError> {
        // Only what was verified is served, whatever else lies in the directory.
        if !self.state().has_content(sha1) {
            return Ok(None);
        }
        self.state().contents().open_shared(sha1)
    }

    fn content_at_hand(&self, sha1: &Sha1) -> Option<Arc<ContentFile>> {
        self.state().contents().at_hand(sha1).filter(|_| self.state().has_content(sha1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services;
    use crate::state::{self, State};
    use crate::store::memory::MemoryStore;

    #[tokio::test]
    async fn services_are_unwell_once_their_store_is() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = MemoryStore::new();
        let settings = state::Settings::default();
        let state = State::with_store(dir.path(), Box::new(store.clone()), &settings, || 0);
        let state = Arc::new(state.expect("a state"));
        let services = Services::start(Arc::clone(&state), services::Settings::default()).await;
        let services = services.expect("services");
        assert!(services.healthy());
        store.fail_next_commit();
        let group = |number| {
            let by = crate::policy::by::By::administrator();
            state.create_group(by, uuid::Uuid::from_u128(number), "Pilot".into(), None)
        };
        assert!(group(1).await.is_err());
        assert!(services.healthy(), "a refused change is no reason to restart");
        store.break_at_next_commit();
        assert!(group(2).await.is_err());
        assert!(!services.healthy());
    }
}
