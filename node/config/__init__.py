"""The node's configuration: one TOML file, read whole or refused with every fault named."""

from node.config.credentials import broker_password, operator_token, publish_token, unlock_signer, unlock_transport
from node.config.faults import Fault, FaultyConfigError
from node.config.load import load
from node.config.schema import (
    MULTICALL3,
    AgreementConfig,
    BrokerConfig,
    ChainConfig,
    Config,
    ContentConfig,
    FeedsConfig,
    GossipConfig,
    KeysConfig,
    LogConfig,
    NodeConfig,
    PublishConfig,
    RenderConfig,
    TransmitConfig,
    WebConfig,
)

__all__ = [
    "MULTICALL3",
    "AgreementConfig",
    "BrokerConfig",
    "ChainConfig",
    "Config",
    "ContentConfig",
    "Fault",
    "FaultyConfigError",
    "FeedsConfig",
    "GossipConfig",
    "KeysConfig",
    "LogConfig",
    "NodeConfig",
    "PublishConfig",
    "RenderConfig",
    "TransmitConfig",
    "WebConfig",
    "broker_password",
    "load",
    "operator_token",
    "publish_token",
    "unlock_signer",
    "unlock_transport",
]
