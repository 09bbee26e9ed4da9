/* shapes.c: a plug-in with stand-ins for classes that recipes of other algorithms name, to prove that the interfaces carry
 * them: probabilistic policies, advantages on whole batches, ensembles of critics, a learned temperature, a delayed
 * actor. The wiring is real: keys, shapes, parameters, gradients, targets, optimisers. The arithmetic is only as much of
 * it as that needs; nothing here is meant to learn.
 */
#include "core/class.h"
#include "tests/shapes/shapes.h"

RLC_PLUGIN(registry) {
    static const rlc_class *const classes[] = {
        &shapes_gae.base,
    };
    for (int i = 0; i < RLC_COUNT(classes); i++) {
        RLC_TRY(rlc_register(registry, classes[i]));
    }
    return RLC_OK;
}
