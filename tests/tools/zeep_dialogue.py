"""Holds a whole update dialogue with a server, through zeep and the contracts in wsdl/.

`record_dialogues.sh` records it. zeep builds and checks every message by the contract and knows
nothing of this project. The server has to hold the sample catalogue and no such computer yet.

usage: zeep_dialogue.py [--soap12] URL          needs: pip install zeep==4.3.3
"""

import pathlib
import re
import sys
import uuid
from datetime import datetime

from zeep import Client, Settings
from zeep.exceptions import Fault

URL = sys.argv[-1].rstrip("/")
SOAP12 = "--soap12" in sys.argv
CONTRACTS = pathlib.Path(__file__).resolve().parents[2] / "wsdl"

# The same in every run, so that two recordings differ only where servers or code do.
NOW = datetime(2026, 11, 23, 12, 0)
CLIENT_ID = "0f1c6b39-8f0d-4a0e-9d55-8c6b1d5e00" + ("12" if SOAP12 else "11")
NAMESPACE = uuid.UUID("c4b6bd0b-1a9c-4f4e-b6a1-3d5ad0e7a1c2")

# A computer with 64-bit Windows in English: what it lacks of the sample's detectoids.
ABSENT = {
    "843c7175-8ea9-4d9e-814e-d27a34fbb909",  # Windows in German
    "553d0edb-524c-42ec-bfb9-463de51df273",  # 32-bit Windows
}
SLUICE = "3ffb0efb-c74c-4db7-979c-68b2b4375d04"
SECURITY_UPDATES = "4372d7b4-61cc-4dab-a2a4-e60f19f656c4"
NETWORK_CARD = {
    "HardwareIDs": {"string": ["pci\\ven_8086&dev_100e"]}, "CompatibleIDs": {"string": []}}


def service(contract, path):
    client = Client(str(CONTRACTS / contract), settings=Settings(strict=True))
    binding = next(name for name in client.wsdl.bindings if name.endswith("12") == SOAP12)
    return client.create_service(binding, URL + path)


def expect_fault(code, call):
    try:
        call()
    except Fault as fault:
        assert code in fault.message, fault.message
        return
    raise AssertionError(f"{code} was expected")


def identity(xml):
    found = re.search(r'<UpdateIdentity UpdateID="([^"]+)" RevisionNumber="(\d+)"', xml)
    return found.group(1).lower(), int(found.group(2))


class Scan:
    """What a client has cached, and how a scan adds to it until nothing is new."""

    def __init__(self, update_service, cookie):
        self.service, self.cookie = update_service, cookie
        self.installed, self.other, self.leaves, self.identities = [], [], [], {}

    def pass_once(self, **parameters):
        answer = self.service.SyncUpdates(
            cookie=self.cookie,
            parameters={
                "ExpressQuery": False,
                "InstalledNonLeafUpdateIDs": {"int": self.installed},
                "OtherCachedUpdateIDs": {"int": self.other},
                "SkipSoftwareSync": False,
                "NeedTwoGroupOutOfScopeUpdates": True,
                **parameters,
            },
        )
        self.cookie = answer.NewCookie
        new = answer.NewUpdates.UpdateInfo if answer.NewUpdates else []
        for update in new:
            update_id, revision = identity(update.Xml)
            self.identities[update.ID] = {"UpdateID": update_id, "RevisionNumber": revision}
            is_installed = not update.IsLeaf and update_id not in ABSENT
            (self.installed if is_installed else self.other).append(update.ID)
            if update.IsLeaf:
                self.leaves.append(update.ID)
        return len(new)

    def run(self, **parameters):
        while self.pass_once(**parameters):
            pass


def event(number, event_id, misc, strings=(), update=None):
    update_id, revision = update or (str(uuid.UUID(int=0)), 0)
    return {
        "BasicData": {
            "TargetID": {"Sid": CLIENT_ID},
            "SequenceNumber": 0,
            "TimeAtTarget": NOW,
            "EventInstanceID": str(uuid.uuid5(NAMESPACE, f"{CLIENT_ID} {number}")),
            "NamespaceID": 1,
            "EventID": event_id,
            "SourceID": 101,
            "UpdateID": {"UpdateID": update_id, "RevisionNumber": revision},
            "Win32HResult": 0,
            "AppName": "zeep",
        },
        "ExtendedData": {
            "ReplacementStrings": {"string": list(strings)},
            "MiscData": {"string": misc},
            "ComputerBrand": "Weirworks",
            "ComputerModel": "Model 1",
            "BiosRevision": "1.0",
            "ProcessorArchitecture": "Amd64Compatible",
            "OSVersion": {"Major": 10, "Minor": 0, "Build": 19045, "Revision": 0,
                          "ServicePackMajor": 0, "ServicePackMinor": 0},
            "OSLocaleID": 1033,
        },
        "PrivateData": {"ComputerDnsName": "zeep.example.test", "UserAccountName": ""},
    }


COMPUTER = {
    "DnsName": "zeep.example.test", "OSMajorVersion": 10, "OSMinorVersion": 0,
    "OSBuildNumber": 19045, "OSServicePackMajorNumber": 0, "OSServicePackMinorNumber": 0,
    "OSLocale": "en-US", "ComputerManufacturer": "Weirworks", "ComputerModel": "Model 1",
    "BiosReleaseDate": NOW, "ProcessorArchitecture": "amd64", "SuiteMask": 256,
    "OldProductType": 1, "NewProductType": 48, "SystemMetrics": 0,
    "ClientVersionMajorNumber": 10, "ClientVersionMinorNumber": 0,
    "ClientVersionBuildNumber": 19041, "ClientVersionQfeNumber": 1,
}

updates = service("Client.wsdl", "/ClientWebService/Client.asmx")
auth = service("SimpleAuth.wsdl", "/SimpleAuthWebService/SimpleAuth.asmx")
reporting = service("Reporting.wsdl", "/ReportingWebService/ReportingWebService.asmx")

# Handshake and registration.
config = updates.GetConfig(protocolVersion="3.2")
updates.GetConfig2(clientConfiguration={"protocolVersion": "3.2"})
expect_fault("InvalidParameters", lambda: updates.GetConfig(protocolVersion="none"))
ticket = auth.GetAuthorizationCookie(
    clientId=CLIENT_ID, targetGroupName="", dnsName="zeep.example.test")
cookie = updates.GetCookie(
    authCookies={"AuthorizationCookie": [
        {"PlugInId": ticket.PlugInId, "CookieData": ticket.CookieData}]},
    oldCookie=None, lastChange=config.LastChange, currentTime=NOW, protocolVersion="3.2")
expect_fault("RegistrationRequired", Scan(updates, cookie).pass_once)
updates.RegisterComputer(cookie=cookie, computerInfo=COMPUTER)
updates.GetTimestamps(cookie=cookie)

# A scan of one product's security updates, then of everything, then for drivers and printers.
categories = updates.StartCategoryScan(requestedCategories={"CategoryRelationship": [
    {"IndexOfAndGroup": 0, "CategoryId": SLUICE},
    {"IndexOfAndGroup": 0, "CategoryId": SECURITY_UPDATES},
    {"IndexOfAndGroup": 1, "CategoryId": str(uuid.UUID(int=1))},
]})
by_category = Scan(updates, cookie)
preferred = [{"Id": guid} for guid in categories.preferredCategoryIds.guid]
by_category.run(FilterCategoryIds={"CategoryIdentifier": preferred})
scan = Scan(updates, by_category.cookie)
scan.run()
driver_pass = {"SystemSpec": {"Device": [NETWORK_CARD]}, "CachedDriverIDs": {"int": []}}
scan.pass_once(SkipSoftwareSync=True, **driver_pass)
updates.SyncPrinterCatalog(
    cookie=scan.cookie, installedNonLeafUpdateIDs={"int": scan.installed},
    printerUpdateIDs={"int": []})

# What a user is shown, and where the files are.
kinds = ["Extended", "LocalizedProperties", "Eula"]
info = updates.GetExtendedUpdateInfo(
    cookie=scan.cookie, revisionIDs={"int": scan.leaves},
    infoTypes={"XmlUpdateFragmentType": kinds}, locales={"string": ["en-US", "en"]})
identities = [scan.identities[leaf] for leaf in scan.leaves]
updates.GetExtendedUpdateInfo2(
    cookie=scan.cookie, updateIDs={"UpdateIdentity": identities[:2]},
    infoTypes={"XmlUpdateFragmentType": ["FileUrl", "LocalizedProperties"]},
    locales={"string": ["de-AT"]})
updates.GetFileLocations(
    cookie=scan.cookie,
    fileDigests={"base64Binary": [file.FileDigest for file in info.FileLocations.FileLocation]})
updates.RefreshCache(cookie=scan.cookie, globalIDs={"UpdateIdentity": identities})

# One update is installed and another is not.
there, wanted = (identities[0]["UpdateID"].upper(), identities[1]["UpdateID"].upper())
installed_update = (identities[0]["UpdateID"], identities[0]["RevisionNumber"])
batch = {"ReportingEvent": [
    event(1, 183, ["D=1"], update=installed_update),
    event(2, 147, ["G=10.0.19041.1"], strings=["1"]),
    event(3, 156, ["G=10.0.19041.1", f"U={wanted}", f"V={there}"]),
]}
assert reporting.ReportEventBatch(cookie=scan.cookie, clientTime=NOW, eventBatch=batch)
again = {"ReportingEvent": [event(4, 147, ["G=10.0.19041.1"], strings=["1"])]}
assert reporting.ReportEventBatch2(computerId=CLIENT_ID, clientTime=NOW, eventBatch=again)
rules = {"rulesId": str(uuid.UUID(int=0)), "rulesVersion": "0"}
assert reporting.GetRequiredInventoryType(cookie=scan.cookie, **rules) == 0
inventory = {"IsCompressed": False, "RawXml": "<Inventory/>"}
assert not reporting.ReportInventory(cookie=scan.cookie, clientTime=NOW, inventory=inventory)

print(f"{len(by_category.identities)} revisions by category, {len(scan.identities)} in all, "
      f"{len(scan.leaves)} of them leaves")
