"""Every table and view of the `pim` schema; importing this module completes the declared schema."""

from entrepot.pim.ai.tables import AiBatch, AiBatchItem
from entrepot.pim.analytics import views as analytics_views
from entrepot.pim.analytics.tables import AnalyticsDailyShop, AnalyticsProductPerformance
from entrepot.pim.attributes.tables import ProdAttrDefinition, ProdAttrSynonym
from entrepot.pim.audit.tables import AuditLog
from entrepot.pim.bulk.tables import (
    BulkArtifact,
    BulkError,
    BulkRun,
    BulkStep,
    StagingProduct,
    StagingRecord,
    StagingVariant,
)
from entrepot.pim.catalog import views as catalog_views
from entrepot.pim.catalog.tables import (
    ProdChannelMapping,
    ProdMaster,
    ProdProposal,
    ProdQualityEvent,
    ProdSemantics,
    ProdSpecsNormalized,
    ProdTaxonomy,
    ProdTranslation,
)
from entrepot.pim.embeddings.tables import EmbeddingBatch, ProdEmbedding, ShopProductEmbedding
from entrepot.pim.harvest import views as harvest_views
from entrepot.pim.harvest.tables import ProdExtractionSession, ProdRawHarvest, ProdSource
from entrepot.pim.inventory import views as inventory_views
from entrepot.pim.inventory.tables import InventoryLedger, InventoryLocation
from entrepot.pim.matching.tables import ProdDedupeCluster, ProdDedupeClusterMember, ProdSimilarityMatch
from entrepot.pim.media.tables import (
    ShopifyMedia,
    ShopifyProductMedia,
    ShopifyPublication,
    ShopifyResourcePublication,
    ShopifyVariantMedia,
)
from entrepot.pim.navigation.tables import ShopifyMenu, ShopifyMenuItem
from entrepot.pim.orders.tables import ShopifyCustomer, ShopifyOrder
from entrepot.pim.products import finding as products_finding
from entrepot.pim.products.tables import (
    ShopifyCollection,
    ShopifyCollectionProduct,
    ShopifyProduct,
    ShopifyVariant,
)
from entrepot.pim.queue.tables import ApiCostTracking, JobRun, RateLimitBucket, ScheduledTask
from entrepot.pim.scraping import views as scraping_views
from entrepot.pim.scraping.tables import ApiUsageLog, ScraperConfig, ScraperQueueItem, ScraperRun
from entrepot.pim.shopify.tables import (
    ShopifyMetaobject,
    ShopifyWebhook,
    SyncCheckpoint,
    WebhookEvent,
    WebhookEventKey,
)
from entrepot.pim.tenants.tables import (
    ApiToken,
    AppSession,
    FeatureFlag,
    KeyRotation,
    LoginAttempt,
    MigrationHistory,
    OAuthNonce,
    OAuthState,
    Shop,
    StaffCredential,
    StaffUser,
    SystemConfig,
)

__all__ = [
    "AiBatch",
    "AiBatchItem",
    "AnalyticsDailyShop",
    "AnalyticsProductPerformance",
    "ApiCostTracking",
    "ApiToken",
    "ApiUsageLog",
    "AppSession",
    "AuditLog",
    "BulkArtifact",
    "BulkError",
    "BulkRun",
    "BulkStep",
    "EmbeddingBatch",
    "FeatureFlag",
    "InventoryLedger",
    "InventoryLocation",
    "JobRun",
    "KeyRotation",
    "LoginAttempt",
    "MigrationHistory",
    "OAuthNonce",
    "OAuthState",
    "ProdAttrDefinition",
    "ProdAttrSynonym",
    "ProdChannelMapping",
    "ProdDedupeCluster",
    "ProdDedupeClusterMember",
    "ProdEmbedding",
    "ProdExtractionSession",
    "ProdMaster",
    "ProdProposal",
    "ProdQualityEvent",
    "ProdRawHarvest",
    "ProdSemantics",
    "ProdSimilarityMatch",
    "ProdSource",
    "ProdSpecsNormalized",
    "ProdTaxonomy",
    "ProdTranslation",
    "RateLimitBucket",
    "ScheduledTask",
    "ScraperConfig",
    "ScraperQueueItem",
    "ScraperRun",
    "Shop",
    "ShopProductEmbedding",
    "ShopifyCollection",
    "ShopifyCollectionProduct",
    "ShopifyCustomer",
    "ShopifyMedia",
    "ShopifyMenu",
    "ShopifyMenuItem",
    "ShopifyMetaobject",
    "ShopifyOrder",
    "ShopifyProduct",
    "ShopifyProductMedia",
    "ShopifyPublication",
    "ShopifyResourcePublication",
    "ShopifyVariant",
    "ShopifyVariantMedia",
    "ShopifyWebhook",
    "StaffCredential",
    "StaffUser",
    "StagingProduct",
    "StagingRecord",
    "StagingVariant",
    "SyncCheckpoint",
    "SystemConfig",
    "WebhookEvent",
    "WebhookEventKey",
    "analytics_views",
    "catalog_views",
    "harvest_views",
    "inventory_views",
    "products_finding",
    "scraping_views",
]
