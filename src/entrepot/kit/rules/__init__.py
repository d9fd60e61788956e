"""The one condition language: MongoDB-style JSON conditions as GrowthBook's SDKs evaluate them.

condition = compile_condition({"region": "US", "cart.total": {"$gte": 100}})
condition.matches({"region": "US", "cart": {"total": 120}})  # True
"""

from entrepot.kit.rules.condition import Condition, compile_condition
from entrepot.kit.rules.explaining import Explanation
from entrepot.kit.rules.indexing import RuleIndex
from entrepot.kit.rules.patterns import PatternError
from entrepot.kit.rules.schema import Schema

__all__ = ["Condition", "Explanation", "PatternError", "RuleIndex", "Schema", "compile_condition"]
