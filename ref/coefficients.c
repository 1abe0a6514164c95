/* The coefficient tables of Newton-Schulz iterations, as printed by their authors. */
#include "coefficients.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Keller Jordan, Muon (2024): steep at 0, and never at rest. */
static const struct assay_triple jordan_triples[] = {{3.4445, -4.7750, 2.0315}};

/* You Jiacheng (2025), for five steps. */
static const struct assay_triple you5_triples[] = {{4.0848, -6.8946, 2.9270},
                                                   {3.9505, -6.3029, 2.6377},
                                                   {3.7418, -5.5913, 2.3037},
                                                   {2.8769, -3.1427, 1.2046},
                                                   {2.8366, -3.0525, 1.2012}};

/* Polar Express (Amsel, Persson, Musco, Gower, arXiv 2505.16932): greedy minimax compositions from [1e-3, 1];
 * see polar_express.h, which derives every list of this family. As printed in the paper, without safety
 * factor. */
static const struct assay_triple pe_paper_triples[] = {{8.28721201814563, -23.595886519098837, 17.300387312530933},
                                                       {4.107059111542203, -2.9478499167379106, 0.5448431082926601},
                                                       {3.9486908534822946, -2.908902115962949, 0.5518191394370137},
                                                       {3.3184196573706015, -2.488488024314874, 0.51004894012372},
                                                       {2.300652019954817, -1.6689039845747493, 0.4188073119525673},
                                                       {1.891301407787398, -1.2679958271945868, 0.37680408948524835},
                                                       {1.8750014808534479, -1.2500016453999487, 0.3750001645474248},
                                                       {1.875, -1.25, 0.375}};

/* The same with a / 1.01, b / 1.01^3, c / 1.01^5 but in the last. */
static const struct assay_triple pe_msign_triples[] = {{8.205160414005574, -22.90193498705605, 16.460724910180314},
                                                       {4.066395159942775, -2.8611540867551426, 0.5183995226694741},
                                                       {3.9095949044379155, -2.823351735039516, 0.5250369769390025},
                                                       {3.2855640171986153, -2.415301959635945, 0.48529406552790866},
                                                       {2.277873287083977, -1.619821765265441, 0.39848078704168355},
                                                       {1.8725756512746514, -1.2307042574884297, 0.35851616209511666},
                                                       {1.856437109755889, -1.2132392819185351, 0.35679978941375945},
                                                       {1.875, -1.25, 0.375}};

/* The first five of the paper's with a / 1.05, b / 1.05^3, c / 1.05^5 in all. */
static const struct assay_triple pe_gram_triples[] = {{7.892582874424408, -20.38301394587957, 13.555306149406924},
                                                      {3.911484868135431, -2.5464635929060884, 0.4268988319673074},
                                                      {3.760657955697423, -2.512819018216563, 0.4323647349070073},
                                                      {3.160399673686287, -2.149649518898498, 0.3996366907664389},
                                                      {2.1910971618617303, -1.441662010214663, 0.328146487623155}};

/* NVIDIA's rounding of that. */
static const struct assay_triple pe_nvidia_triples[] = {
    {8.2051, -22.9019, 16.4607}, {4.0664, -2.8612, 0.5184}, {3.9096, -2.8234, 0.5250}, {3.2856, -2.4153, 0.4853},
    {2.2779, -1.6198, 0.3985},   {1.8726, -1.2307, 0.3585}, {1.8564, -1.2132, 0.3568}, {1.8750, -1.2500, 0.3750}};

/* Eight iterations, safety 1e-2, cushion 0.02 (timm, pytorch_optimizer). */
static const struct assay_triple pe_8_triples[] = {{8.237312490495555, -23.157747414558198, 16.680568411445915},
                                                   {4.082441999064835, -2.893047735332586, 0.5252849256975648},
                                                   {3.9263479922546582, -2.8547468034765298, 0.5318022422894988},
                                                   {3.2982187133085143, -2.424541981026706, 0.48632008358844075},
                                                   {2.2970369434552573, -1.63662558125903, 0.4002628455953627},
                                                   {1.8763805351440397, -1.2347896577722228, 0.35891887501668385},
                                                   {1.8564423485617974, -1.2132449880935525, 0.3568003487825883},
                                                   {1.8749994008682747, -1.2499988017229169, 0.3749994008546422}};

/* Eight iterations, safety 2e-2, cushion 0.02. */
static const struct assay_triple pe_8_safer_triples[] = {{8.156554524902461, -22.48329292557795, 15.878769915207462},
                                                         {4.0429299351667245, -2.808917465908704, 0.5000178451051299},
                                                         {3.8916678022926563, -2.7724841532176825, 0.5060648178503389},
                                                         {3.285753657755658, -2.3681294933425394, 0.46449024233003117},
                                                         {2.3005307116270983, -1.6111665557258408, 0.3833374427545273},
                                                         {1.8631210546382593, -1.2042160621002727, 0.3421879560523383},
                                                         {1.8382572152247512, -1.1779263289537742, 0.3396513038637379},
                                                         {1.8749999923301852, -1.2499999836060613, 0.374999991275876}};

/* Five iterations, safety 2e-2, cushion 0.02 (modded-nanogpt, nanochat, dion). Its last triple carries no
 * safety factor, so it is not the beginning of the list above. */
static const struct assay_triple pe_5_triples[] = {{8.156554524902461, -22.48329292557795, 15.878769915207462},
                                                   {4.042929935166739, -2.808917465908714, 0.5000178451051316},
                                                   {3.8916678022926607, -2.772484153217685, 0.5060648178503393},
                                                   {3.285753657755655, -2.3681294933425376, 0.46449024233003106},
                                                   {2.3465413258596377, -1.7097828382687081, 0.42323551169305323}};

/* Ten iterations, safety 1e-2, cushion 0.02: what the paper's own code computes when it is loaded. Its
 * solver leaves noise of up to 4e-6 in the last four; they stand here as the formula gives them. */
static const struct assay_triple pe_10_triples[] = {{8.237312490495555, -23.157747414558198, 16.680568411445915},
                                                    {4.082441999064835, -2.893047735332586, 0.5252849256975648},
                                                    {3.9263479922546582, -2.8547468034765298, 0.5318022422894988},
                                                    {3.2982187133085143, -2.424541981026706, 0.48632008358844075},
                                                    {2.2970369434552573, -1.63662558125903, 0.4002628455953627},
                                                    {1.8763805351440397, -1.2347896577722228, 0.35891887501668385},
                                                    {1.8564423485604249, -1.21324498809086, 0.35680034878126737},
                                                    {1.8564356435863227, -1.2132376849334816, 0.35679963285487626},
                                                    {1.8564356435704306, -1.2132376849161717, 0.35679963285317939},
                                                    {1.8750000000061269, -1.2500000000068077, 0.37500000000068079}};

/* CANS (Grishina, Smirnov, Rakhuba 2025) as tabulated by NVIDIA: the minimax composition from [1e-3, 1],
 * rounded. */
static const struct assay_triple cans_triples[] = {{8.4703, -25.1081, 18.6293},
                                                   {4.1828, -3.1087, 0.5806},
                                                   {3.9619, -2.9541, 0.5630},
                                                   {3.2866, -2.4647, 0.5074},
                                                   {2.2737, -1.6447, 0.4162}};

/* For AOL-normalised input: T. Boissin's flash-newton-schulz as tabulated by NVIDIA, and dion's. */
static const struct assay_triple aol_triples[] = {
    {4.0098, -7.0585, 2.4635}, {3.4585, -5.5479, 2.5959}, {2.7573, -3.2939, 1.4254}, {2.7215, -3.0494, 1.3169}};
static const struct assay_triple aol_dion_triples[] = {
    {4.6051, -9.6552, 5.6769}, {4.7505, -6.0861, 2.1790}, {2.7763, -2.3190, 0.5523}, {2.4231, -2.2861, 0.8193}};

/* Jordan's eight times, then twice a quintic with p(1) = 1. */
static const struct assay_triple deepseek_v4_triples[] = {{3.4445, -4.7750, 2.0315},
                                                          {3.4445, -4.7750, 2.0315},
                                                          {3.4445, -4.7750, 2.0315},
                                                          {3.4445, -4.7750, 2.0315},
                                                          {3.4445, -4.7750, 2.0315},
                                                          {3.4445, -4.7750, 2.0315},
                                                          {3.4445, -4.7750, 2.0315},
                                                          {3.4445, -4.7750, 2.0315},
                                                          {2, -1.5, 0.5},
                                                          {2, -1.5, 0.5}};

/* Five cubics (as tabulated by NVIDIA). */
static const struct assay_triple cubic5_triples[] = {{3.3656576, -3.3420992, 0},
                                                     {2.5744352, -1.4957376, 0},
                                                     {2.5368962, -1.4312570, 0},
                                                     {2.4418906, -1.2764040, 0},
                                                     {2.2230472, -0.9630650, 0}};

/* The classical iterations with p(1) = 1 and as many vanishing derivatives there as the degree allows. */
static const struct assay_triple cubic_triples[] = {{1.5, -0.5, 0}};
static const struct assay_triple quintic_triples[] = {{1.875, -1.25, 0.375}};

#define TABLE(identifier, name, source)                                                                                \
    const struct assay_coefficients assay_coefficients_##identifier = {name, source, COUNT(identifier##_triples),      \
                                                                       identifier##_triples};
TABLE(aol, "aol", "flash-newton-schulz, via NVIDIA Emerging-Optimizers; for AOL-normalised input")
TABLE(aol_dion, "aol-dion", "microsoft/dion; for AOL-normalised input")
TABLE(cans, "cans", "NVIDIA Emerging-Optimizers: the minimax composition from [1e-3, 1], rounded")
TABLE(cubic, "cubic", "classical")
TABLE(cubic5, "cubic5", "NVIDIA Emerging-Optimizers")
TABLE(deepseek_v4, "deepseek-v4", "NVIDIA Emerging-Optimizers")
TABLE(jordan, "jordan", "KellerJordan/Muon")
TABLE(pe_10, "pe-10", "NoahAmsel/PolarExpress: 10 iterations, safety 1e-2, cushion 0.02")
TABLE(pe_5, "pe-5", "5 iterations, safety 2e-2, cushion 0.02: modded-nanogpt, nanochat, microsoft/dion")
TABLE(pe_8, "pe-8", "8 iterations, safety 1e-2, cushion 0.02: timm")
TABLE(pe_8_safer, "pe-8-safer", "8 iterations, safety 2e-2, cushion 0.02: timm")
TABLE(pe_gram, "pe-gram", "pe-paper / 1.05: Dao-AILab/gram-newton-schulz")
TABLE(pe_msign, "pe-msign", "pe-paper / 1.01 but the last: thinking-machines-lab/manifolds")
TABLE(pe_nvidia, "pe-nvidia", "pe-msign to four decimals: NVIDIA Emerging-Optimizers")
TABLE(pe_paper, "pe-paper", "arXiv 2505.16932")
TABLE(quintic, "quintic", "classical")
TABLE(you5, "you5", "You Jiacheng")

const struct assay_coefficients *const assay_coefficient_tables[] = {
    &assay_coefficients_aol,      &assay_coefficients_aol_dion,   &assay_coefficients_cans,
    &assay_coefficients_cubic,    &assay_coefficients_cubic5,     &assay_coefficients_deepseek_v4,
    &assay_coefficients_jordan,   &assay_coefficients_pe_10,      &assay_coefficients_pe_5,
    &assay_coefficients_pe_8,     &assay_coefficients_pe_8_safer, &assay_coefficients_pe_gram,
    &assay_coefficients_pe_msign, &assay_coefficients_pe_nvidia,  &assay_coefficients_pe_paper,
    &assay_coefficients_quintic,  &assay_coefficients_you5,
};
const size_t assay_coefficient_table_count = COUNT(assay_coefficient_tables);

const struct assay_coefficients *assay_coefficients_find(const char *name)
{
    for (size_t k = 0; k < assay_coefficient_table_count; k++)
        if (strcmp(assay_coefficient_tables[k]->name, name) == 0)
            return assay_coefficient_tables[k];
    return NULL;
}
