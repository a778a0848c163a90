"""Words for a simulated literature: invented names of people and places, titles that read like titles."""


def _words(text: str) -> list[str]:
    return text.split()


SYLLABLES_FIRST = _words("Al Be Ca Da El Fi Ga Ha Il Jo Ka Le Mi No Or Pe Qui Ra Si Ta Ul Va We Xi Yo Ze")
SYLLABLES_LAST = _words("na ra lis mon ka rik vin da len sha to mar bel nor sen")
FIRST_NAMES = [a + b for a in SYLLABLES_FIRST for b in SYLLABLES_LAST]  # 390

LAST_STARTS = _words(
    "Bar Cor Dun Els Far Gar Hol Ing Jar Kel Lor Mar Nor Oth Pal Rav Ser Tor Ulv Ver Wyn Yar Zel Brin"
)
LAST_MIDDLES = _words("a e i o u an en il or um")
LAST_ENDS = _words(
    "berg dell field gren holt ins kova land mann ness quist rell son tano vard wick yama zini"
)
LAST_NAMES = [a + b + c for a in LAST_STARTS for b in LAST_MIDDLES for c in LAST_ENDS]  # 4,320

PLACES = _words(
    "Northmere Eastvale Highford Lakeholm Stonebridge Ravenmoor Silverdale Greywater Oakhaven Thornfield "
    "Westmarch Elmstead"
)
INSTITUTIONS = [
    f"{form} of {place} (simulated)"
    for place in PLACES
    for form in ("University", "Institute of Technology", "Academy")
]

ADJECTIVES = _words("""
adaptive amortised asynchronous bayesian causal compositional continual contrastive convex deep differentiable
distributed efficient equivariant evolutionary exact federated few-shot generalised geometric graph-based
hierarchical implicit incremental interpretable iterative latent lifelong low-rank minimal modular multi-agent
multilingual neural non-parametric online private probabilistic provable quantised recurrent robust
sample-efficient scalable self-supervised sparse spectral stochastic structured symbolic unsupervised
variational
""")

METHODS = _words("""
adaptation alignment annotation approximation attention calibration clustering compression decoding
distillation embedding estimation exploration factorisation filtering forecasting generation imputation
indexing inference learning matching modelling normalisation optimisation parsing planning pooling pretraining
pruning ranking reasoning regularisation retrieval sampling scheduling search segmentation summarisation
tracking translation verification
""")

OBJECTS = _words("""
agents answers attractors behaviours catalogues citations conversations corpora decisions dynamics embeddings
environments equations events features games gradients grammars graphs images interactions kernels knowledge
manifolds markets memories molecules networks objects observations orbits policies preferences programs proofs
proteins queries rewards scenes sentences signals simulations skills spaces speech streams tables tasks
time-series trajectories videos worlds
""")

FIELDS = _words("cs.LG cs.CL cs.CV stat.ML cs.NE cs.AI cs.RO cs.IR math.OC physics.comp-ph q-bio.NC econ.EM")
