/* show.h: prints a tensor for the programs beside it. */
#include <rlc.h>

static inline void show(const char *name, rlc_tensor *tensor) {
    double numbers[64];
    rlc_tensor *doubles = rlc_cast(tensor, RLC_F64);
    if (doubles == NULL || doubles->numel > 64 || rlc_read(doubles, numbers) != RLC_OK) {
        printf("%s: cannot be shown\n", name);
        return;
    }
    int64_t row = tensor->ndim > 0 ? rlc_size(tensor, -1) : 1;
    printf("%s =", name);
    for (int64_t i = 0; i < tensor->numel; i++) {
        printf("%s%.4g", i > 0 && i % row == 0 ? "  |  " : " ", numbers[i]);
    }
    printf("\n");
}
