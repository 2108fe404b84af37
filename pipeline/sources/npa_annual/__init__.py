"""Annual crime book of Japan's National Police Agency (令和7年の刑法犯に関する統計資料): fraud tables of ten years."""
