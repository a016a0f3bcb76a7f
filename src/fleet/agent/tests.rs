//! An agent before a server that is made of prepared answers: what it asks next is what the
//! specification orders.

mod details;
mod events;

use super::*;
use crate::conformance::canned::Canned;
use crate::conformance::client::ClientLimits;
use crate::conformance::dialogue::RecordedResponse;
use crate::conformance::head::ResponseHead;
use crate::fleet::referee::{Failure, Rule};
use crate::wire::fault::ErrorCode;

const CLIENT: &str = "http://www.microsoft.com/SoftwareDistribution/Server/ClientWebService";

fn answer(status: u16, body: String) -> RecordedResponse {
    let head = format!("HTTP/1.1 {status} x\r\nContent-Type: text/xml; charset=utf-8\r\n\r\n");
    RecordedResponse { head: ResponseHead::parse(&head).unwrap(), body: Some(body.into_bytes()) }
}

fn envelope(content: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{content}\
         </s:Body></s:Envelope>"
    )
}

fn response(operation: &str, content: &str) -> RecordedResponse {
    let namespace = match operation {
        "GetAuthorizationCookie" => CLIENT.replace("Client", "SimpleAuth"),
        "ReportEventBatch" => "http://www.microsoft.com/SoftwareDistribution".to_owned(),
        _ => CLIENT.to_owned(),
    };
    let element = format!("{operation}Response");
    let text = format!("<{element} xmlns=\"{namespace}\">{content}</{element}>");
    answer(200, envelope(&text))
}

fn fault(code: &str) -> RecordedResponse {
    answer(
        500,
        envelope(&format!(
            "<s:Fault><faultcode>s:Client</faultcode><faultstring>x</faultstring><detail>\
             <ErrorCode>{code}</ErrorCode></detail></s:Fault>"
        )),
    )
}

/// A good answer to the operation.
fn good(operation: &str) -> RecordedResponse {
    let cookie = "<Expiration>2999-10-04T16:03:35.9967236Z</Expiration>\
        <EncryptedData>AAAA</EncryptedData>";
    let content = match operation {
        "GetConfig" => "<GetConfigResult><LastChange>2026-10-04T13:17:07.59Z</LastChange>\
            <IsRegistrationRequired>true</IsRegistrationRequired><AuthInfo><AuthPlugInInfo>\
            <PlugInID>SimpleTargeting</PlugInID>\
            <ServiceUrl>SimpleAuthWebService/SimpleAuth.asmx</ServiceUrl></AuthPlugInInfo>\
            </AuthInfo><Properties><ConfigurationProperty>\
            <Name>MaxExtendedUpdatesPerRequest</Name><Value>50</Value></ConfigurationProperty>\
            <ConfigurationProperty><Name>ProtocolVersion</Name><Value>3.2</Value>\
            </ConfigurationProperty></Properties></GetConfigResult>"
            .to_owned(),
        "GetAuthorizationCookie" => "<GetAuthorizationCookieResult>\
            <PlugInId>SimpleTargeting</PlugInId><CookieData>AAAA</CookieData>\
            </GetAuthorizationCookieResult>"
            .to_owned(),
        "GetCookie" => format!("<GetCookieResult>{cookie}</GetCookieResult>"),
        "SyncUpdates" => format!(
            "<SyncUpdatesResult><Truncated>false</Truncated><NewCookie>{cookie}</NewCookie>\
             </SyncUpdatesResult>"
        ),
        "RefreshCache" => "<RefreshCacheResult/>".to_owned(),
        "ReportEventBatch" => "<ReportEventBatchResult>true</ReportEventBatchResult>".to_owned(),
        _ => String::new(),
    };
    response(operation, &content)
}

/// What a first day asks when nothing goes wrong and there is nothing to install.
const DAY: [&str; 7] = [
    "GetConfig",
    "GetAuthorizationCookie",
    "GetCookie",
    "RegisterComputer",
    "SyncUpdates",
    "SyncUpdates",
    "ReportEventBatch",
];

/// A day before prepared answers.
struct Day {
    /// Names of the operations that were asked.
    asked: Vec<String>,
    /// The bodies of these requests.
    bodies: Vec<String>,
    /// What the agent complained of.
    complaints: Vec<Failure>,
    agent: Agent,
    server: Canned,
}

impl Day {
    /// Lets an agent live a day before the answers.
    async fn before(answers: Vec<RecordedResponse>) -> Self {
        let server = Canned::http(answers).await;
        let settings = Settings {
            seed: 1,
            spread: Duration::ZERO,
            at_once: 1,
            target_group: None,
            time_to_live: TIME_TO_LIVE,
        };
        let limits = ClientLimits { exchange: Duration::from_secs(5), ..ClientLimits::default() };
        let world = Arc::new(World::new(settings, &server.url, None, limits).unwrap());
        let profile = include_str!("../../../testdata/profiles/windows-11-24h2-x64.json");
        let profile = Profile::read(profile).unwrap();
        let agent = Agent::new(world, 0, profile);
        let (asked, bodies, complaints) = Default::default();
        let mut day = Self { asked, bodies, complaints, agent, server };
        day.live(true).await;
        day
    }

    /// Lets the agent live another one.
    async fn go_on(&mut self) {
        self.live(false).await;
    }

    async fn live(&mut self, is_first: bool) {
        self.agent.live_a_day(is_first).await;
        self.asked.clear();
        self.bodies.clear();
        for (headers, body) in self.server.asked() {
            let action = headers.value("SOAPAction").unwrap_or_default().trim_matches('"');
            self.asked.push(action.rsplit('/').next().unwrap_or_default().to_owned());
            self.bodies.push(String::from_utf8(body).unwrap());
        }
        self.complaints = self.agent.world.referee.failures();
    }

    /// The rules that were broken.
    fn rules(&self) -> Vec<Rule> {
        self.complaints.iter().map(|failure| failure.rule).collect()
    }
}

/// What an agent asks in a day before the answers, and complains of.
async fn live(answers: Vec<RecordedResponse>) -> (Vec<String>, Vec<Rule>) {
    let day = Day::before(answers).await;
    let rules = day.rules();
    (day.asked, rules)
}

/// A day in which the first scan is answered with `fault`, and then with good answers to `steps`.
async fn recover(code: ErrorCode, steps: &[&str]) {
    let mut answers: Vec<_> = DAY[..4].iter().map(|name| good(name)).collect();
    answers.push(fault(code.name()));
    answers.extend(steps.iter().chain(&DAY[4..]).map(|name| good(name)));
    let (asked, rules) = live(answers).await;
    let mut expected: Vec<&str> = DAY[..5].to_vec();
    expected.extend(steps.iter().chain(&DAY[4..]));
    assert_eq!(asked, expected, "{code:?}");
    assert_eq!(rules, [], "{code:?}");
}

#[tokio::test]
async fn a_day_without_events_is_handshake_two_passes_and_a_report() {
    let (asked, rules) = live(DAY.iter().map(|name| good(name)).collect()).await;
    assert_eq!(asked, DAY);
    assert_eq!(rules, []);
}

#[tokio::test]
async fn every_fault_is_recovered_from_as_the_specification_orders() {
    const RENEWAL: [&str; 2] = ["GetAuthorizationCookie", "GetCookie"];
    // The cache is empty, so that there is nothing to refresh.
    recover(ErrorCode::InvalidCookie, &["GetConfig", RENEWAL[0], RENEWAL[1]]).await;
    recover(ErrorCode::ServerChanged, &["GetConfig", RENEWAL[0], RENEWAL[1]]).await;
    recover(ErrorCode::ConfigChanged, &["GetConfig", RENEWAL[0], RENEWAL[1]]).await;
    recover(ErrorCode::CookieExpired, &RENEWAL).await;
    recover(ErrorCode::InvalidAuthorizationCookie, &RENEWAL).await;
    recover(ErrorCode::RegistrationRequired, &["RegisterComputer"]).await;
    recover(ErrorCode::RegistrationNotRequired, &[]).await;
    recover(ErrorCode::FileLocationChanged, &[]).await;
    recover(ErrorCode::ServerBusy, &[]).await;
    recover(ErrorCode::InternalServerError, &[]).await;
}

#[tokio::test]
async fn a_recovery_can_need_a_recovery() {
    let mut answers: Vec<_> = DAY[..4].iter().map(|name| good(name)).collect();
    answers.push(fault("CookieExpired"));
    answers.push(good("GetAuthorizationCookie"));
    answers.push(fault("ConfigChanged"));
    let again = ["GetConfig", "GetAuthorizationCookie", "GetCookie"];
    // What ConfigChanged orders ends with what CookieExpired ordered.
    let rest: Vec<&str> = again.iter().chain(&again[1..]).chain(&DAY[4..]).copied().collect();
    answers.extend(rest.iter().map(|name| good(name)));
    let (asked, rules) = live(answers).await;
    assert_eq!(asked[5..7], ["GetAuthorizationCookie", "GetCookie"]);
    assert_eq!(asked[7..], rest);
    assert_eq!(rules, []);
}

#[tokio::test]
async fn a_computer_that_need_not_register_is_done_with_it() {
    let mut answers: Vec<_> = DAY.iter().map(|name| good(name)).collect();
    answers[3] = fault("RegistrationNotRequired");
    let (asked, rules) = live(answers).await;
    assert_eq!(asked, DAY);
    assert_eq!(rules, []);
}

#[tokio::test]
async fn a_server_that_is_never_content_is_given_up() {
    let mut answers: Vec<_> = DAY[..4].iter().map(|name| good(name)).collect();
    for _ in 0..10 {
        answers.push(fault("RegistrationRequired"));
        answers.push(good("RegisterComputer"));
    }
    let (asked, rules) = live(answers).await;
    assert_eq!(rules, [Rule::FaultRepeated]);
    assert!(asked.len() < 20, "{asked:?}");
}

#[tokio::test]
async fn what_no_agent_gets_over_is_told() {
    let after_handshake = |answer: RecordedResponse| {
        let mut answers: Vec<_> = DAY[..4].iter().map(|name| good(name)).collect();
        answers.push(answer);
        live(answers)
    };
    assert_eq!(after_handshake(fault("OutOfCheese")).await.1, [Rule::FaultCode]);
    assert_eq!(after_handshake(fault("InvalidParameters")).await.1, [Rule::Refused]);
    assert_eq!(after_handshake(answer(404, String::new())).await.1, [Rule::Status]);
    assert_eq!(after_handshake(good("GetConfig")).await.1, [Rule::Envelope]);
    let expired = "<GetCookieResult><Expiration>2001-10-04T16:03:35Z</Expiration>\
        <EncryptedData>AAAA</EncryptedData></GetCookieResult>";
    let mut answers: Vec<_> = DAY[..2].iter().map(|name| good(name)).collect();
    answers.push(response("GetCookie", expired));
    assert_eq!(live(answers).await.1, [Rule::Cookie]);
    let refused = "<ReportEventBatchResult>false</ReportEventBatchResult>";
    let mut answers: Vec<_> = DAY[..6].iter().map(|name| good(name)).collect();
    answers.push(response("ReportEventBatch", refused));
    assert_eq!(live(answers).await.1, [Rule::ReportRefused]);
}

/// A revision of a page: `Update` number `number` in revision 1, under that number.
fn revision(number: u128, action: &str, is_leaf: bool, core: &str) -> String {
    let core = core.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let id = Uuid::from_u128(number);
    format!(
        "<UpdateInfo><ID>{number}</ID>{}<IsLeaf>{is_leaf}</IsLeaf>\
         <Xml>&lt;UpdateIdentity UpdateID=\"{id}\" RevisionNumber=\"1\" /&gt;{core}</Xml>\
         </UpdateInfo>",
        deployment(action)
    )
}

fn deployment(action: &str) -> String {
    format!(
        "<Deployment><ID>1</ID><Action>{action}</Action><IsAssigned>true</IsAssigned>\
         <LastChangeTime>2026-10-04</LastChangeTime><AutoSelect>0</AutoSelect>\
         <AutoDownload>0</AutoDownload><SupersedenceBehavior>0</SupersedenceBehavior>\
         </Deployment>"
    )
}

/// A page with these revisions.
fn page(revisions: &[String]) -> RecordedResponse {
    let revisions = revisions.concat();
    response(
        "SyncUpdates",
        &format!(
            "<SyncUpdatesResult><NewUpdates>{revisions}</NewUpdates><Truncated>false</Truncated>\
             <NewCookie><Expiration>2999-10-04T16:03:35Z</Expiration>\
             <EncryptedData>AAAA</EncryptedData></NewCookie></SyncUpdatesResult>"
        ),
    )
}

/// Every page unlocks the next, without end.
#[tokio::test]
async fn a_scan_ends_within_200_trips() {
    let mut answers: Vec<_> = DAY[..4].iter().map(|name| good(name)).collect();
    let category = "<Properties UpdateType=\"Category\" />";
    answers.extend((1..=210).map(|number| page(&[revision(number, "Evaluate", false, category)])));
    let day = Day::before(answers).await;
    assert_eq!(day.rules(), [Rule::TooManyTrips]);
    assert_eq!(day.asked.iter().filter(|name| *name == "SyncUpdates").count(), 200);
    let [event] = &day.agent.events[..] else { panic!("{:?}", day.agent.events) };
    assert_eq!((event.id, event.result), (148, i32::from_be_bytes([0x80, 0x24, 0x40, 0x10])));
    assert_eq!(event.replacement_strings, ["0x80244010"]);
}

#[tokio::test]
async fn a_driver_has_to_fit_a_device() {
    let mut answers: Vec<_> = DAY[..5].iter().map(|name| good(name)).collect();
    let driver = "<Properties UpdateType=\"Driver\" /><ApplicabilityRules><IsInstalled>\
        <d.WindowsDriverInstalled /></IsInstalled><IsInstallable><d.WindowsDriverInstallable />\
        </IsInstallable><Metadata><d.WindowsDriverMetaData HardwareID=\"PCI\\NOT_THERE\" \
        DriverVerDate=\"2026-01-01\" DriverVerVersion=\"1.0.0.0\" WhqlDriverID=\"1\" \
        Class=\"Net\" Company=\"A\" Provider=\"A\" Manufacturer=\"A\" Model=\"A\" />\
        </Metadata></ApplicabilityRules>";
    answers.push(page(&[revision(1, "PreDeploymentCheck", true, driver)]));
    answers.push(good("ReportEventBatch"));
    assert_eq!(live(answers).await.1, [Rule::DriverFits]);
}
