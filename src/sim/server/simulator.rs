use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use http::{Request, Response};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::kubeconfig::kubeconfig;
use super::listener::Gate;
use super::scenario;
use super::token::random_token;
use crate::clock::Clock;
use crate::domain::scenario::World;
use crate::sim::access::{Access, User};
use crate::sim::api::{Api, Connection};
use crate::sim::controllers::{ControllerOptions, Controllers, found_cluster};
use crate::sim::faults::Faults;
use crate::sim::logs::Logs;
use crate::sim::status::Status;
use crate::sim::store::{Store, StoreOptions};
use crate::sim::validation::{KindRules, TypeCache};

/// The user of the token in the kubeconfig.
pub(super) const ADMIN: &str = "admin";
/// How long answers may take to end when the simulator stops.
const PATIENCE: Duration = Duration::from_secs(1);

/// How a simulator is started.
#[derive(Debug, Clone)]
pub struct SimulatorOptions {
    /// Port on 127.0.0.1; 0 lets the system choose.
    pub port: u16,
    /// Time of the API and the controllers.
    pub clock: Clock,
    /// What the cluster is made of and does.
    pub world: World,
    /// How much faster than written scripted durations and delays of controllers pass.
    pub speed: f64,
    /// Seed of everything that is random but the token.
    pub seed: u64,
    /// Bearer token of the administrator; random where `None`.
    pub token: Option<String>,
    /// Whether controllers run: without them objects are only stored.
    pub controllers: bool,
    /// How much history is kept.
    pub store: StoreOptions,
}

impl Default for SimulatorOptions {
    fn default() -> Self {
        Self {
            port: 0,
            clock: Clock::real(),
            world: World::default(),
            speed: 1.0,
            seed: 0,
            token: None,
            controllers: true,
            store: StoreOptions::default(),
        }
    }
}

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The port is taken, or may not be used. Another port may do.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// Why.
        source: io::Error,
    },
    /// The system gives no random numbers.
    #[error("cannot make a token: {0}")]
    Token(io::Error),
    /// An object of the scenario is refused. Trying again does not help.
    #[error("cannot set up the world of the scenario: {0}")]
    World(Status),
}

/// A running simulated cluster. It stops when it is dropped; many can run in one process.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    controllers: Option<Controllers>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) store: Store,
    pub(super) access: Access,
    pub(super) faults: Faults,
    logs: Logs,
    token: String,
    port: u16,
    /// Keeps the port from everybody else while nobody listens on it.
    _reserved: TcpSocket,
    api: Api,
    /// Ends watches, logs and tasks.
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Cuts the connections of the present listener and ends it; `None` while connections are refused.
    listening: Mutex<Option<CancellationToken>>,
    /// Ends when the latest listener is closed: before that its port is taken.
    closed: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Simulator {
    /// Starts a simulator. Needs a tokio runtime, on which it runs.
    pub fn start(mut options: SimulatorOptions) -> Result<Self, SimError> {
        let failed = |source| SimError::Listen { port: options.port, source };
        let reserved = bind(options.port).map_err(failed)?;
        let port = reserved.local_addr().map_err(failed)?.port();
        let listener = listen(port).map_err(failed)?;
        let token = match options.token {
            Some(token) => token,
            None => random_token().map_err(SimError::Token)?,
        };
        let store_options = StoreOptions { seed: options.seed, ..options.store };
        let types = Arc::new(TypeCache::default());
        let store = Store::new(options.clock.clone(), KindRules::new(Arc::clone(&types)), store_options);
        scenario::found_definitions(&store).map_err(SimError::World)?;
        found_cluster(&store, &options.world).map_err(SimError::World)?;
        // They are in the store from now on; the controllers, who each keep the world, need no copies of them.
        options.world.objects = Vec::new();
        let (access, faults) = (Access::default(), Faults::new(options.seed));
        let (logs, stop) = (Logs::default(), CancellationToken::new());
        let rules = options.world.access.clone();
        access.add(token.clone(), User { name: ADMIN.to_owned(), groups: vec!["system:masters".to_owned()], rules });
        let address = format!("127.0.0.1:{port}");
        let api = Api::new(store.clone(), access.clone(), faults.clone(), logs.clone(), types, address, stop.clone());
        let shared = Arc::new(Shared {
            clock: options.clock,
            store,
            access,
            faults,
            logs,
            token,
            port,
            _reserved: reserved,
            api,
            stop,
            tasks: TaskTracker::new(),
            listening: Mutex::new(None),
            closed: tokio::sync::Mutex::new(None),
        });
        let serving = shared.serve(listener);
        if let Ok(mut closed) = shared.closed.try_lock() {
            *closed = Some(serving);
        }
        let controllers = options.controllers.then(|| {
            let world = options.world.clone();
            let how = ControllerOptions { world, speed: options.speed, seed: options.seed, off: Vec::new() };
            Controllers::start(shared.store.clone(), shared.logs.clone(), how)
        });
        for fault in options.world.faults {
            shared.spawn(scenario::play(Arc::downgrade(&shared), fault, options.speed));
        }
        Ok(Self { shared, controllers })
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.shared.address())
    }

    /// Bearer token of the administrator.
    pub fn token(&self) -> &str {
        &self.shared.token
    }

    /// A kubeconfig with the address and the token.
    pub fn kubeconfig(&self) -> String {
        kubeconfig(&self.shared.address(), self.token())
    }

    /// The objects, to read and write past the API.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The controllers, to switch some off and to wait until they have done what is due; `None` where none run.
    pub fn controllers(&self) -> Option<&Controllers> {
        self.controllers.as_ref()
    }

    /// The faults, to add more.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// The tokens and what their users may do.
    pub fn access(&self) -> &Access {
        &self.shared.access
    }

    /// The logs of containers.
    pub fn logs(&self) -> &Logs {
        &self.shared.logs
    }

    /// From now on connections are refused, and those that are open are cut. Nothing is forgotten.
    pub fn refuse_connections(&self) {
        self.shared.refuse();
    }

    /// Listens again on the same port.
    ///
    /// # Errors
    /// Where another program has taken the port meanwhile.
    pub async fn accept_connections(&self) -> Result<(), SimError> {
        self.shared.accept().await
    }

    /// Cuts all connections, as a restart of the API server does. Nothing is forgotten.
    pub async fn restart(&self) -> Result<(), SimError> {
        self.shared.refuse();
        self.shared.accept().await
    }

    /// Ends watches and logs, closes the listener and waits for everything to end. Answers that are on their way are
    /// finished, so that `kubectl logs -f` sees the end of a log and no broken connection; those that take longer than
    /// a second are cut.
    pub async fn stop(mut self) {
        self.shared.stop.cancel();
        if let Some(closing) = self.shared.closed.lock().await.take() {
            // Sockets know no other time than the real one.
            let _ = Clock::real().timeout(PATIENCE, closing).await;
        }
        self.shared.refuse();
        if let Some(controllers) = self.controllers.take() {
            controllers.stop().await;
        }
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl Shared {
    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn end(&self) {
        self.stop.cancel();
        self.refuse();
    }

    /// Runs a task until the simulator stops.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move { stop.run_until_cancelled(task).await });
    }

    fn serve(&self, listener: TcpListener) -> JoinHandle<()> {
        let connections = CancellationToken::new();
        *self.listening() = Some(connections.clone());
        let gate = Gate { listener, connections: connections.clone(), clock: self.clock.clone() };
        let stop = self.stop.clone();
        let router = Router::new().fallback(answer).with_state(self.api.clone());
        let service = router.into_make_service_with_connect_info::<Connection>();
        self.tasks.spawn(async move {
            let serving = axum::serve(gate, service).with_graceful_shutdown(stop.cancelled_owned());
            let serving = std::future::IntoFuture::into_future(serving);
            // An error would be one of the listener, which has none.
            let _ = connections.run_until_cancelled(serving).await;
        })
    }

    pub(super) fn refuse(&self) {
        if let Some(connections) = self.listening().take() {
            connections.cancel();
        }
    }

    pub(super) async fn accept(&self) -> Result<(), SimError> {
        let mut closed = self.closed.lock().await;
        if self.stop.is_cancelled() || self.listening().is_some() {
            return Ok(());
        }
        if let Some(closing) = closed.take() {
            // It only fails if the server panicked; its listener is closed all the same.
            let _ = closing.await;
        }
        let listener = listen(self.port).map_err(|source| SimError::Listen { port: self.port, source })?;
        *closed = Some(self.serve(listener));
        Ok(())
    }

    fn listening(&self) -> MutexGuard<'_, Option<CancellationToken>> {
        // Nothing panics while it is held.
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(
    State(api): State<Api>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request<Body>,
) -> Response<Body> {
    api.answer(connection, request).await
}

/// A socket on loopback alone, whose port can be taken again at once after it is closed.
fn bind(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    Ok(socket)
}

fn listen(port: u16) -> io::Result<TcpListener> {
    bind(port)?.listen(1024)
}
