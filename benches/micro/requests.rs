//! Bodies as agents send them.

/// A scan with so many ids, a few of them installed.
pub(crate) fn scan(ids: u32) -> Vec<u8> {
    let list = |name: &str, ids: Vec<u32>| {
        let ids: String = ids.into_iter().map(|id| format!("<int>{}</int>", id * 3 + 1)).collect();
        if ids.is_empty() { String::new() } else { format!("<{name}>{ids}</{name}>") }
    };
    let (installed, others) = (0..ids).partition(|id| id % 15 == 0 && id / 15 < 94);
    envelope(&format!(
        "<ExpressQuery>false</ExpressQuery>{}{}<SkipSoftwareSync>false</SkipSoftwareSync>\
         <NeedTwoGroupOutOfScopeUpdates>true</NeedTwoGroupOutOfScopeUpdates>\
         <AlsoPerformRegularSync>true</AlsoPerformRegularSync><ComputerSpec/>",
        list("InstalledNonLeafUpdateIDs", installed),
        list("OtherCachedUpdateIDs", others),
    ))
}

/// A driver pass with so many devices, each with the driver it has.
pub(crate) fn driver_pass(devices: u32) -> Vec<u8> {
    let device = |number: u32| {
        let id = format!("PCI\\VEN_8086&amp;DEV_{number:04X}");
        format!(
            "<Device><HardwareIDs><string>{id}&amp;SUBSYS_11001AF4&amp;REV_02</string>\
             <string>{id}&amp;SUBSYS_11001AF4</string><string>{id}&amp;CC_060100</string>\
             <string>{id}&amp;CC_0601</string></HardwareIDs><CompatibleIDs>\
             <string>{id}&amp;REV_02</string><string>{id}</string></CompatibleIDs>\
             <installedDriver><MatchingID>{id}&amp;CC_0601</MatchingID>\
             <DriverVerDate>2006-06-21T00:00:00Z</DriverVerDate>\
             <DriverVerVersion>2814751477604196</DriverVerVersion><Class>System</Class>\
             <Manufacturer>Intel</Manufacturer><Provider>Microsoft</Provider>\
             <Model>LPC Controller</Model><MatchingComputerHWID a:nil=\"true\" \
             xmlns:a=\"http://www.w3.org/2001/XMLSchema-instance\"/>\
             <DriverRank>16719872</DriverRank></installedDriver></Device>"
        )
    };
    let devices: String = (0..devices).map(device).collect();
    envelope(&format!(
        "<ExpressQuery>false</ExpressQuery><SystemSpec>{devices}</SystemSpec>\
         <SkipSoftwareSync>true</SkipSoftwareSync>\
         <NeedTwoGroupOutOfScopeUpdates>true</NeedTwoGroupOutOfScopeUpdates>\
         <AlsoPerformRegularSync>true</AlsoPerformRegularSync><ComputerSpec/>\
         <FeatureScoreMatchingKey>AMD64.10.0</FeatureScoreMatchingKey>"
    ))
}

fn envelope(parameters: &str) -> Vec<u8> {
    let cookie = "AAAAAAAA".repeat(40);
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><SyncUpdates \
         xmlns=\"http://www.microsoft.com/SoftwareDistribution/Server/ClientWebService\"><cookie>\
         <Expiration>2026-10-04T16:03:35.9967236Z</Expiration>\
         <EncryptedData>{cookie}</EncryptedData></cookie><parameters>{parameters}</parameters>\
         </SyncUpdates></s:Body></s:Envelope>"
    )
    .into_bytes()
}
