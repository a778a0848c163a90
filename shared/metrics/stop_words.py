"""The stop words of novelty: the list `stop-en-1` of docs/scores.md §6, 214 words.

Another list makes another version of the score.
"""

_WORDS = """
a about above across after again against all almost along already also although always am among an and another
any approach approaches are around as at based be because been before being below between both but by can
cannot could did do does doing done down due during each either else et etc even ever every few first for from
further had has have having he hence her here high him his how however i if in instead into is it its itself
just large last least less let like low made make makes many may method methods might more most much must my
near need new no nor not novel now of off often on once one only onto or other others our out over own paper
part per present presented presents propose proposed proposes quite rather recent recently result results same
second several shall she should show shown shows since small so some still such than that the their them then
there therefore these they this those though three through throughout thus to together too toward towards two
under until up upon us use used uses using various very via was we well were what when where whether which
while who whom whose why will with within without would yet you your
"""
STOP_WORDS = frozenset(_WORDS.split())
