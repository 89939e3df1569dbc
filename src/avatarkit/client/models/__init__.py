"""Contains all the data models used in inputs/outputs"""

from .action import Action
from .action_answer import ActionAnswer
from .action_kind import ActionKind
from .api_error import ApiError
from .backlog import Backlog
from .backlog_list import BacklogList
from .budget import Budget
from .catalogue_entry import CatalogueEntry
from .catalogue_entry_previews import CatalogueEntryPreviews
from .catalogue_kind import CatalogueKind
from .catalogue_list import CatalogueList
from .check import Check
from .check_list import CheckList
from .check_verdict import CheckVerdict
from .clone import Clone
from .clone_list import CloneList
from .consent import Consent
from .consent_demand import ConsentDemand
from .consent_given import ConsentGiven
from .consent_list import ConsentList
from .consent_rule import ConsentRule
from .cost import Cost
from .costs import Costs
from .create_upload_tus_resumable import CreateUploadTusResumable
from .delete_upload_tus_resumable import DeleteUploadTusResumable
from .deleted_count import DeletedCount
from .delivered_to import DeliveredTo
from .delivery import Delivery
from .delivery_list import DeliveryList
from .delivery_outcome import DeliveryOutcome
from .delivery_payload import DeliveryPayload
from .earlier_stack import EarlierStack
from .erasure import Erasure
from .erasure_status import ErasureStatus
from .error_body import ErrorBody
from .error_code import ErrorCode
from .error_explanation import ErrorExplanation
from .error_type import ErrorType
from .estimate import Estimate
from .estimate_basis import EstimateBasis
from .evidence import Evidence
from .finding import Finding
from .finding_severity import FindingSeverity
from .get_quote_quality import GetQuoteQuality
from .get_quote_resolution import GetQuoteResolution
from .get_quote_test import GetQuoteTest
from .get_upload_offset_tus_resumable import GetUploadOffsetTusResumable
from .handover import Handover
from .handover_claim import HandoverClaim
from .handover_role import HandoverRole
from .handover_status import HandoverStatus
from .health import Health
from .holding import Holding
from .holding_kind import HoldingKind
from .hosting import Hosting
from .links import Links
from .list_all_deliveries_outcome import ListAllDeliveriesOutcome
from .max_cost import MaxCost
from .money import Money
from .new_consent import NewConsent
from .new_dubs import NewDubs
from .new_dubs_subtitles import NewDubsSubtitles
from .new_erasure import NewErasure
from .new_handover import NewHandover
from .new_handover_link import NewHandoverLink
from .new_replay import NewReplay
from .new_sample_import import NewSampleImport
from .new_scene import NewScene
from .new_training import NewTraining
from .new_video import NewVideo
from .operation import Operation
from .operation_detail import OperationDetail
from .operation_detail_left_out import OperationDetailLeftOut
from .operation_status import OperationStatus
from .operator_delivery import OperatorDelivery
from .operator_delivery_list import OperatorDeliveryList
from .price import Price
from .price_amount import PriceAmount
from .price_unit import PriceUnit
from .quote import Quote
from .quote_line import QuoteLine
from .quote_plans import QuotePlans
from .record_error import RecordError
from .record_event import RecordEvent
from .recording_type import RecordingType
from .remaining_count import RemainingCount
from .sample import Sample
from .sample_list import SampleList
from .sample_role import SampleRole
from .scene_layout import SceneLayout
from .scene_support import SceneSupport
from .setting import Setting
from .spending import Spending
from .stack import Stack
from .stack_list import StackList
from .stack_quote import StackQuote
from .status import Status
from .stock_choice import StockChoice
from .training import Training
from .training_event import TrainingEvent
from .training_list import TrainingList
from .unit_price import UnitPrice
from .upload import Upload
from .upload_chunk_tus_resumable import UploadChunkTusResumable
from .upload_role import UploadRole
from .user import User
from .video import Video
from .video_aspect import VideoAspect
from .video_captions import VideoCaptions
from .video_container import VideoContainer
from .video_event import VideoEvent
from .video_list import VideoList
from .video_quality import VideoQuality
from .video_resolution import VideoResolution
from .video_settings import VideoSettings
from .voice_settings import VoiceSettings
from .withdrawal import Withdrawal

__all__ = (
    "Action",
    "ActionAnswer",
    "ActionKind",
    "ApiError",
    "Backlog",
    "BacklogList",
    "Budget",
    "CatalogueEntry",
    "CatalogueEntryPreviews",
    "CatalogueKind",
    "CatalogueList",
    "Check",
    "CheckList",
    "CheckVerdict",
    "Clone",
    "CloneList",
    "Consent",
    "ConsentDemand",
    "ConsentGiven",
    "ConsentList",
    "ConsentRule",
    "Cost",
    "Costs",
    "CreateUploadTusResumable",
    "DeletedCount",
    "DeleteUploadTusResumable",
    "DeliveredTo",
    "Delivery",
    "DeliveryList",
    "DeliveryOutcome",
    "DeliveryPayload",
    "EarlierStack",
    "Erasure",
    "ErasureStatus",
    "ErrorBody",
    "ErrorCode",
    "ErrorExplanation",
    "ErrorType",
    "Estimate",
    "EstimateBasis",
    "Evidence",
    "Finding",
    "FindingSeverity",
    "GetQuoteQuality",
    "GetQuoteResolution",
    "GetQuoteTest",
    "GetUploadOffsetTusResumable",
    "Handover",
    "HandoverClaim",
    "HandoverRole",
    "HandoverStatus",
    "Health",
    "Holding",
    "HoldingKind",
    "Hosting",
    "Links",
    "ListAllDeliveriesOutcome",
    "MaxCost",
    "Money",
    "NewConsent",
    "NewDubs",
    "NewDubsSubtitles",
    "NewErasure",
    "NewHandover",
    "NewHandoverLink",
    "NewReplay",
    "NewSampleImport",
    "NewScene",
    "NewTraining",
    "NewVideo",
    "Operation",
    "OperationDetail",
    "OperationDetailLeftOut",
    "OperationStatus",
    "OperatorDelivery",
    "OperatorDeliveryList",
    "Price",
    "PriceAmount",
    "PriceUnit",
    "Quote",
    "QuoteLine",
    "QuotePlans",
    "RecordError",
    "RecordEvent",
    "RecordingType",
    "RemainingCount",
    "Sample",
    "SampleList",
    "SampleRole",
    "SceneLayout",
    "SceneSupport",
    "Setting",
    "Spending",
    "Stack",
    "StackList",
    "StackQuote",
    "Status",
    "StockChoice",
    "Training",
    "TrainingEvent",
    "TrainingList",
    "UnitPrice",
    "Upload",
    "UploadChunkTusResumable",
    "UploadRole",
    "User",
    "Video",
    "VideoAspect",
    "VideoCaptions",
    "VideoContainer",
    "VideoEvent",
    "VideoList",
    "VideoQuality",
    "VideoResolution",
    "VideoSettings",
    "VoiceSettings",
    "Withdrawal",
)
