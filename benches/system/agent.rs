//! A computer that has introduced itself, and its requests.

use uuid::Uuid;
use weir::wire::types::UpdateIdentity;

use crate::connection::Connection;
use crate::soap::{self, CLIENT, REPORTING, SIMPLE_AUTH};
use crate::{Failure, Outcome};

/// Any time will do where the server only reads it.
const NOW: &str = "2026-11-28T12:00:00Z";

/// What an agent of Windows 11 says of its machine with every scan.
const PRODUCTS: &str = "<ProductsParameters>\
    <SyncCurrentVersionOnly>false</SyncCurrentVersionOnly><DeviceAttributes>App=WU_OS;\
    AppVer=1507.2601.30012.0;AttrDataVer=344;BranchReadinessLevel=CB;CurrentBranch=ge_release;\
    DeviceFamily=Windows.Desktop;FlightRing=Retail;InstallationType=Client;InstallLanguage=en-US;\
    IsVirtualDevice=0;OEMModel=Standard PC (Q35 + ICH9, 2009);OSArchitecture=AMD64;OSSkuId=48;\
    OSUILocale=en-US;OSVersion=10.0.26200.8037;ProcessorManufacturer=GenuineIntel;\
    ProductType=WinNT;SecureBootCapable=1;TelemetryLevel=1;TotalPhysicalRAM=6144;TPMVersion=2;\
    UpdateManagementGroup=2;</DeviceAttributes><CallerAttributes>Interactive=0;SheddingAware=1;\
    Id=MoUpdateOrchestrator;</CallerAttributes><Products>PN=Client.OS.rs2.amd64&amp;\
    Branch=ge_release_svc_prod1&amp;PrimaryOSProduct=1&amp;V=10.0.26200.8037;</Products>\
    </ProductsParameters>";

/// A registered computer.
#[derive(Debug, Clone)]
pub(crate) struct Agent {
    /// Its own choice.
    pub(crate) client_id: String,
    /// The children of the cookie it was given last.
    pub(crate) cookie: String,
}

impl Agent {
    /// GetConfig, GetAuthorizationCookie, GetCookie and RegisterComputer of a new computer.
    pub(crate) async fn register(connection: &mut Connection) -> Outcome<Self> {
        let client_id = Uuid::new_v4().to_string();
        let dns_name = format!("pc-{}.bench.example", &client_id[..8]);
        let version = "<protocolVersion>2.90</protocolVersion>";
        let config = call(connection, CLIENT.request("GetConfig", version)).await?;
        let last_change = part(&config, "LastChange")?;
        let who = format!("<clientId>{client_id}</clientId><dnsName>{dns_name}</dnsName>");
        let request = SIMPLE_AUTH.request("GetAuthorizationCookie", &who);
        let authorization = call(connection, request).await?;
        let authorization = part(&authorization, "CookieData")?;
        let request = format!(
            "<authCookies><AuthorizationCookie><PlugInId>SimpleTargeting</PlugInId>\
             <CookieData>{authorization}</CookieData></AuthorizationCookie></authCookies>\
             <oldCookie><Expiration>{NOW}</Expiration></oldCookie>\
             <lastChange>{last_change}</lastChange><currentTime>{NOW}</currentTime>\
             <protocolVersion>2.90</protocolVersion>"
        );
        let answer = call(connection, CLIENT.request("GetCookie", &request)).await?;
        let cookie = part(&answer, "GetCookieResult")?.to_owned();
        let request = format!(
            "<cookie>{cookie}</cookie><computerInfo><DnsName>{dns_name}</DnsName>\
             <OSMajorVersion>10</OSMajorVersion><OSMinorVersion>0</OSMinorVersion>\
             <OSBuildNumber>26200</OSBuildNumber>\
             <OSServicePackMajorNumber>0</OSServicePackMajorNumber>\
             <OSServicePackMinorNumber>0</OSServicePackMinorNumber><OSLocale>en-US</OSLocale>\
             <ComputerManufacturer>QEMU</ComputerManufacturer>\
             <ComputerModel>Standard PC (Q35 + ICH9, 2009)</ComputerModel>\
             <BiosVersion>unknown</BiosVersion><BiosName>unknown</BiosName>\
             <BiosReleaseDate>2022-02-02T00:00:00Z</BiosReleaseDate>\
             <ProcessorArchitecture>AMD64</ProcessorArchitecture><SuiteMask>256</SuiteMask>\
             <OldProductType>1</OldProductType><NewProductType>48</NewProductType>\
             <SystemMetrics>0</SystemMetrics>\
             <ClientVersionMajorNumber>1507</ClientVersionMajorNumber>\
             <ClientVersionMinorNumber>2601</ClientVersionMinorNumber>\
             <ClientVersionBuildNumber>30012</ClientVersionBuildNumber>\
             <ClientVersionQfeNumber>0</ClientVersionQfeNumber>\
             <OSDescription>Windows 10 Pro</OSDescription></computerInfo>"
        );
        call(connection, CLIENT.request("RegisterComputer", &request)).await?;
        Ok(Self { client_id, cookie })
    }

    /// A software pass with these ids.
    pub(crate) fn software_pass(&self, installed: &[u32], other: &[u32]) -> Vec<u8> {
        let children = format!(
            "<cookie>{}</cookie><parameters><ExpressQuery>false</ExpressQuery>{}{}\
             <SkipSoftwareSync>false</SkipSoftwareSync>\
             <NeedTwoGroupOutOfScopeUpdates>true</NeedTwoGroupOutOfScopeUpdates>\
             <AlsoPerformRegularSync>true</AlsoPerformRegularSync><ComputerSpec/>{PRODUCTS}\
             </parameters>",
            self.cookie,
            soap::ids("InstalledNonLeafUpdateIDs", installed),
            soap::ids("OtherCachedUpdateIDs", other),
        );
        CLIENT.request("SyncUpdates", &children)
    }

    /// A driver pass of a computer with a device for each of these ids, whose drivers are old.
    pub(crate) fn driver_pass(&self, installed: &[u32], devices: &[&str]) -> Vec<u8> {
        let device = |id: &&str| {
            let id = id.replace('&', "&amp;");
            format!(
                "<Device><HardwareIDs><string>{id}&amp;SUBSYS_11001AF4&amp;REV_02</string>\
                 <string>{id}&amp;SUBSYS_11001AF4</string><string>{id}&amp;CC_060100</string>\
                 <string>{id}</string></HardwareIDs><CompatibleIDs>\
                 <string>{id}&amp;CC_0601</string><string>{id}&amp;CC_06</string></CompatibleIDs>\
                 <installedDriver><MatchingID>{id}</MatchingID>\
                 <DriverVerDate>1996-06-21T00:00:00Z</DriverVerDate>\
                 <DriverVerVersion>1</DriverVerVersion><Class>System</Class>\
                 <Manufacturer>Intel</Manufacturer><Provider>Microsoft</Provider>\
                 <Model>LPC Controller</Model><MatchingComputerHWID a:nil=\"true\" \
                 xmlns:a=\"http://www.w3.org/2001/XMLSchema-instance\"/>\
                 <DriverRank>16719872</DriverRank></installedDriver></Device>"
            )
        };
        let devices: String = devices.iter().map(device).collect();
        let children = format!(
            "<cookie>{}</cookie><parameters><ExpressQuery>false</ExpressQuery>{}\
             <SystemSpec>{devices}</SystemSpec><SkipSoftwareSync>true</SkipSoftwareSync>\
             <NeedTwoGroupOutOfScopeUpdates>true</NeedTwoGroupOutOfScopeUpdates>\
             <AlsoPerformRegularSync>true</AlsoPerformRegularSync><ComputerSpec/>\
             <FeatureScoreMatchingKey>AMD64.10.0</FeatureScoreMatchingKey>{PRODUCTS}</parameters>",
            self.cookie,
            soap::ids("InstalledNonLeafUpdateIDs", installed),
        );
        CLIENT.request("SyncUpdates", &children)
    }

    /// A batch of events, each with its number, its instance and what follows the client's version
    /// in MiscData.
    pub(crate) fn report(&self, events: &[(u16, &str, &[&str])]) -> Vec<u8> {
        let event = |(id, instance, misc): &(u16, &str, &[&str])| {
            let misc: String = misc.iter().map(|text| format!("<string>{text}</string>")).collect();
            format!(
                "<ReportingEvent><BasicData><TargetID><Sid>{}</Sid></TargetID>\
                 <SequenceNumber>0</SequenceNumber><TimeAtTarget>{NOW}</TimeAtTarget>\
                 <EventInstanceID>{instance}</EventInstanceID><NamespaceID>1</NamespaceID>\
                 <EventID>{id}</EventID><SourceID>101</SourceID><UpdateID>\
                 <UpdateID>00000000-0000-0000-0000-000000000000</UpdateID>\
                 <RevisionNumber>0</RevisionNumber></UpdateID><Win32HResult>0</Win32HResult>\
                 <AppName>MoUpdateOrchestrator</AppName></BasicData><ExtendedData><MiscData>\
                 <string>G=1507.2601.30012.0</string>{misc}</MiscData>\
                 <ComputerBrand>QEMU</ComputerBrand><ComputerModel>Standard PC</ComputerModel>\
                 <BiosRevision>unknown</BiosRevision>\
                 <ProcessorArchitecture>Amd64Compatible</ProcessorArchitecture>\
                 <OSVersion><Major>10</Major><Minor>0</Minor><Build>26200</Build>\
                 <Revision>65792</Revision><ServicePackMajor>0</ServicePackMajor>\
                 <ServicePackMinor>0</ServicePackMinor></OSVersion><OSLocaleID>1033</OSLocaleID>\
                 </ExtendedData><PrivateData/></ReportingEvent>",
                self.client_id
            )
        };
        let events: String = events.iter().map(event).collect();
        let children = format!(
            "<cookie>{}</cookie><clientTime>{NOW}</clientTime><eventBatch>{events}</eventBatch>",
            self.cookie
        );
        REPORTING.request("ReportEventBatch", &children)
    }

    /// RefreshCache: the server's numbers for these revisions, as far as it offers them.
    pub(crate) async fn numbers(
        &self,
        connection: &mut Connection,
        identities: &[UpdateIdentity],
    ) -> Outcome<Vec<(Uuid, u32)>> {
        let asked = identities.iter().map(|UpdateIdentity { update_id, revision_number }| {
            format!(
                "<UpdateIdentity><UpdateID>{update_id}</UpdateID>\
                 <RevisionNumber>{revision_number}</RevisionNumber></UpdateIdentity>"
            )
        });
        let asked: String = asked.collect();
        let cookie = &self.cookie;
        let children = format!("<cookie>{cookie}</cookie><globalIDs>{asked}</globalIDs>");
        let answer = call(connection, CLIENT.request("RefreshCache", &children)).await?;
        // List and row have the same name: rows begin where their first child does.
        let rows = answer.split("<RevisionID>").skip(1);
        rows.map(|row| {
            let (number, row) = row.split_once('<').ok_or("an odd row")?;
            Ok((part(row, "UpdateID")?.parse()?, number.parse()?))
        })
        .collect()
    }
}

/// Sends a request that has to succeed and returns the answer's text.
pub(crate) async fn call(connection: &mut Connection, request: Vec<u8>) -> Outcome<String> {
    connection.ask(&request).await?.text()
}

fn part<'t>(text: &'t str, name: &str) -> Outcome<&'t str> {
    soap::element(text, name).ok_or_else(|| Failure::from(format!("no {name} in {text}")))
}
